import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.*;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ConcurrentConfigModificationException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.InvalidRequestException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ResourceNotFoundException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.UnauthorizedRequestException;

/**
 * Drives a Connect worker with the unmodified org.sourcelab kafka-connect-client: each of its calls.
 *
 * Arguments: URL FOLDER PREFIX (connectors are named PREFIX..., files lie in FOLDER), or: auth URL USER PASSWORD
 */
public class DriveKafkaConnectClient {
    static final String SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    static final String SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector";

    final KafkaConnectClient client;
    final Path folder;
    final String prefix;
    final String name;

    DriveKafkaConnectClient(String url, String folder, String prefix) {
        client = new KafkaConnectClient(new Configuration(url));
        this.folder = Path.of(folder);
        this.prefix = prefix;
        name = prefix + "-one";
    }

    static void check(boolean holds, Object what) {
        if (!holds)
            throw new AssertionError(String.valueOf(what));
    }

    static void equal(Object want, Object got) {
        check(want.equals(got), "wanted " + want + ", got " + got);
    }

    static void until(String what, Callable<Boolean> probe) throws Exception {
        long end = System.currentTimeMillis() + 30000;
        while (!probe.call()) {
            check(System.currentTimeMillis() < end, what + ": not within 30 s");
            Thread.sleep(100);
        }
    }

    static void fails(Class<? extends InvalidRequestException> kind, int code, String text, Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (InvalidRequestException e) {
            check(kind.isInstance(e) && e.getErrorCode() == code, e);
            check(e.getMessage() != null && e.getMessage().contains(text), e);
            return;
        }
        throw new AssertionError("no error, wanted " + code);
    }

    Map<String, String> config(String... more) {
        Map<String, String> config = new HashMap<>();
        config.put("connector.class", SOURCE);
        config.put("tasks.max", "1");
        config.put("file", folder.resolve("in.txt").toString());
        config.put("topic", prefix + "-topic");
        config.put("value.converter", "org.apache.kafka.connect.storage.StringConverter");
        for (int i = 0; i < more.length; i += 2)
            config.put(more[i], more[i + 1]);
        return config;
    }

    String states() {
        ConnectorStatus status = client.getConnectorStatus(name);
        List<String> states = new ArrayList<>(List.of(status.getConnector().get("state")));
        status.getTasks().forEach(task -> states.add(task.getState()));
        return String.join(" ", states);
    }

    void await(String wanted) throws Exception {
        until(wanted, () -> states().equals(wanted));
    }

    void cluster() {
        ConnectServerVersion version = client.getConnectServerVersion();
        equal("4.0.0", version.getVersion());
        Map<String, String> types = new HashMap<>();
        for (ConnectorPlugin plugin : client.getConnectorPlugins())
            types.put(plugin.getClassName(), plugin.getType());
        equal("source", types.get(SOURCE));
        equal("sink", types.get(SINK));
    }

    void create() throws Exception {
        NewConnectorDefinition wanted = NewConnectorDefinition.newBuilder().withName(name).withConfig(config()).build();
        ConnectorDefinition made = client.addConnector(wanted);
        equal(name, made.getName());
        equal("source", made.getType());
        equal(config("name", name), made.getConfig());
        fails(ConcurrentConfigModificationException.class, 409, "already exists", () -> client.addConnector(wanted));
        fails(InvalidRequestException.class, 400, "at least 1",
              () -> client.addConnector(new NewConnectorDefinition(prefix + "-bad", config("tasks.max", "0"))));
        fails(InvalidRequestException.class, 500, "Failed to find any class",
              () -> client.addConnector(new NewConnectorDefinition(prefix + "-bad", config("connector.class", "NoSuch"))));
        await("RUNNING RUNNING");
        equal("7", client.updateConnectorConfig(name, config("batch.size", "7")).getConfig().get("batch.size"));
        equal("7", client.getConnectorConfig(name).get("batch.size"));
        fails(InvalidRequestException.class, 400, "Not a number of type INT",
              () -> client.updateConnectorConfig(name, config("batch.size", "seven")));
        await("RUNNING RUNNING");
    }

    void lists() {
        check(client.getConnectors().contains(name), client.getConnectors());
        ConnectorDefinition one = client.getConnector(name);
        equal(1, one.getTasks().size());
        equal(one.toString(), client.getConnectorsWithExpandedInfo().getDefinitionForConnector(name).toString());
        String status = client.getConnectorStatus(name).toString();
        equal(status, client.getConnectorsWithExpandedStatus().getStatusForConnector(name).toString());
        ConnectorsWithExpandedMetadata all = client.getConnectorsWithAllExpandedMetadata();
        equal(one.toString(), all.getDefinitionForConnector(name).toString());
        equal(status, all.getStatusForConnector(name).toString());
        equal(client.getConnectors().size(), all.getConnectorNames().size());
    }

    void changes() throws Exception {
        check(client.pauseConnector(name), "pause");
        await("PAUSED PAUSED");
        check(client.resumeConnector(name), "resume");
        await("RUNNING RUNNING");
        check(client.stopConnector(name), "stop");
        await("STOPPED");
        check(client.resumeConnector(name), "resume");
        await("RUNNING RUNNING");
        check(client.restartConnector(name), "restart");
        await("RUNNING RUNNING");
        check(client.restartConnector(new PostConnectorRestart(name).withIncludeTasks(true)), "restart with tasks");
        await("RUNNING RUNNING");
        check(client.restartConnector(new PostConnectorRestart(name).withIncludeTasks(true).withOnlyFailed(true)), "restart failed");
        equal("RUNNING RUNNING", states());
    }

    void tasks() throws Exception {
        Task task = client.getConnectorTasks(name).iterator().next();
        equal(name, task.getId().getConnector());
        equal("org.apache.kafka.connect.file.FileStreamSourceTask", task.getConfig().get("task.class"));
        equal("RUNNING", client.getConnectorTaskStatus(name, 0).getState());
        check(client.restartConnectorTask(name, 0), "restart of a task");
        await("RUNNING RUNNING");
        fails(ResourceNotFoundException.class, 404, "", () -> client.getConnectorTaskStatus(name, 5));
        fails(ResourceNotFoundException.class, 404, "", () -> client.restartConnectorTask(name, 5));
    }

    void topics() throws Exception {
        List<String> one = List.of(prefix + "-topic");
        until("topics", () -> client.getConnectorTopics(name).getTopics().equals(one));
        check(client.stopConnector(name), "stop");
        await("STOPPED");
        check(client.resetConnectorTopics(name), "reset");
        until("no topics", () -> client.getConnectorTopics(name).getTopics().isEmpty());
    }

    void validate() {
        ConnectorPluginConfigValidationResults good = client.validateConnectorPluginConfig(
            ConnectorPluginConfigDefinition.newBuilder().withName("FileStreamSourceConnector").withConfig(config("name", "x")).build());
        equal(0, good.getErrorCount());
        check(good.getGroups().contains("Common"), good.getGroups());
        ConnectorPluginConfigValidationResults bad = client.validateConnectorPluginConfig(
            ConnectorPluginConfigDefinition.newBuilder().withName("FileStreamSinkConnector")
                .withConfig(Map.of("connector.class", SINK, "name", "x", "topics", "a", "errors.tolerance", "some")).build());
        equal(1, bad.getErrorCount());
        for (ConnectorPluginConfigValidationResults.Config one : bad.getConfigs())
            equal(one.getDefinition().getName().equals("errors.tolerance"), !one.getValue().getErrors().isEmpty());
    }

    void delete() throws Exception {
        check(client.deleteConnector(name), "delete");
        check(!client.getConnectors().contains(name), "it is still there");
        List<Callable<?>> calls = List.of(
            () -> client.getConnector(name), () -> client.getConnectorConfig(name), () -> client.getConnectorStatus(name),
            () -> client.getConnectorTasks(name), () -> client.pauseConnector(name), () -> client.resumeConnector(name),
            () -> client.stopConnector(name), () -> client.restartConnector(name), () -> client.deleteConnector(name));
        for (Callable<?> call : calls)
            fails(ResourceNotFoundException.class, 404, name, call);
    }

    static void auth(String url, String user, String password) throws Exception {
        equal(0, new KafkaConnectClient(new Configuration(url).useBasicAuth(user, password)).getConnectors().size());
        KafkaConnectClient wrong = new KafkaConnectClient(new Configuration(url).useBasicAuth(user, "wrong"));
        fails(UnauthorizedRequestException.class, 401, "", wrong::getConnectors);
    }

    static void step(String what, Callable<?> call) throws Exception {
        call.call();
        System.out.println("ok " + what);
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("auth")) {
            auth(args[1], args[2], args[3]);
            return;
        }
        DriveKafkaConnectClient drive = new DriveKafkaConnectClient(args[0], args[1], args[2]);
        write(drive.folder.resolve("in.txt"));
        step("cluster", () -> { drive.cluster(); return null; });
        step("create", () -> { drive.create(); return null; });
        step("lists", () -> { drive.lists(); return null; });
        step("changes", () -> { drive.changes(); return null; });
        step("tasks", () -> { drive.tasks(); return null; });
        step("topics", () -> { drive.topics(); return null; });
        step("validate", () -> { drive.validate(); return null; });
        step("delete", () -> { drive.delete(); return null; });
    }

    static void write(Path file) throws IOException {
        Files.writeString(file, "one\ntwo\n");
    }
}
