import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;

import java.nio.charset.StandardCharsets;
import java.util.*;

/**
 * What the real transforms and the real JSON converter take for the record and the chain of transform_bench.c. Needs the jars
 * of connect-api, connect-transforms and connect-json: java -cp 'LIBS/*' TransformBench.java
 */
public class TransformBench {
    static final String P = "org.apache.kafka.connect.transforms.";
    static final Object[][] USES = {
        {"InsertField$Value", Map.of("topic.field", "topic", "timestamp.field", "at")},
        {"ReplaceField$Value", Map.of("exclude", "comment", "renames", "id:key")},
        {"Cast$Value", Map.of("spec", "amount:float64,count:string")},
        {"MaskField$Value", Map.of("fields", "email")},
        {"RegexRouter", Map.of("regex", "([^.]+)\\.(.*)", "replacement", "$2")},
    };

    static final String EVENT = "{\"id\":123456789,\"email\":\"someone@example.com\",\"amount\":\"199.95\",\"count\":42,"
        + "\"created\":1483425001864,\"active\":true,\"country\":\"NL\",\"score\":0.75,"
        + "\"comment\":\"left at the door of the neighbours\",\"tag\":\"x-1\"}";

    static Map<String, Object> map() {
        Map<String, Object> m = new HashMap<>();
        m.put("id", 123456789L);
        m.put("email", "someone@example.com");
        m.put("amount", "199.95");
        m.put("count", 42L);
        m.put("created", 1483425001864L);
        m.put("active", true);
        m.put("country", "NL");
        m.put("score", 0.75);
        m.put("comment", "left at the door of the neighbours");
        m.put("tag", "x-1");
        return m;
    }

    static SinkRecord record(boolean withSchema) {
        Map<String, Object> m = map();
        if (!withSchema) return new SinkRecord("server.orders", 0, null, null, null, m, 0, 1483425001864L, TimestampType.CREATE_TIME);
        SchemaBuilder b = SchemaBuilder.struct();
        for (Map.Entry<String, Object> e : m.entrySet())
            b.field(e.getKey(), e.getValue() instanceof Long ? Schema.INT64_SCHEMA : e.getValue() instanceof String ? Schema.STRING_SCHEMA
                : e.getValue() instanceof Boolean ? Schema.BOOLEAN_SCHEMA : Schema.FLOAT64_SCHEMA);
        Schema s = b.build();
        Struct st = new Struct(s);
        m.forEach(st::put);
        return new SinkRecord("server.orders", 0, null, null, s, st, 0, 1483425001864L, TimestampType.CREATE_TIME);
    }

    static long cpu() {
        return java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    static double run(List<Transformation<SinkRecord>> chain, SinkRecord in, long ns) {
        long start = cpu(), records = 0, spent;
        do {
            for (int i = 0; i < 500; i++) {
                SinkRecord r = in;
                for (Transformation<SinkRecord> t : chain) r = t.apply(r);
                if (r == null) throw new IllegalStateException();
            }
            records += 500;
            spent = cpu() - start;
        } while (spent < ns);
        return (double) spent / records;
    }

    /** From bytes to bytes, as a sink's task between the consumer and a target that takes JSON. */
    static double runJson(List<Transformation<SinkRecord>> chain, JsonConverter c, byte[] bytes, long ns) {
        long start = cpu(), records = 0, spent, made = 0;
        do {
            for (int i = 0; i < 500; i++) {
                SchemaAndValue v = c.toConnectData("server.orders", bytes);
                SinkRecord r = new SinkRecord("server.orders", 0, null, null, v.schema(), v.value(), 0, 1483425001864L,
                    TimestampType.CREATE_TIME);
                for (Transformation<SinkRecord> t : chain) r = t.apply(r);
                made += c.fromConnectData(r.topic(), r.valueSchema(), r.value()).length;
            }
            records += 500;
            spent = cpu() - start;
        } while (spent < ns);
        if (made == 0) throw new IllegalStateException();
        return (double) spent / records;
    }

    static void measureJson(List<Transformation<SinkRecord>> chain, boolean withSchema) {
        JsonConverter c = new JsonConverter();
        c.configure(Map.of("schemas.enable", String.valueOf(withSchema)), false);
        SinkRecord in = record(withSchema);
        byte[] bytes = withSchema ? c.fromConnectData(in.topic(), in.valueSchema(), in.value()) : EVENT.getBytes(StandardCharsets.UTF_8);
        for (List<Transformation<SinkRecord>> l : List.of(List.<Transformation<SinkRecord>>of(), chain)) {
            runJson(l, c, bytes, 2_000_000_000L);
            System.out.printf("%-22s %-11s %7.0f ns a record%n", l.isEmpty() ? "json alone" : "json, chain, json", withSchema ? "schema" : "schemaless",
                runJson(l, c, bytes, 1_000_000_000L));
        }
    }

    @SuppressWarnings("unchecked")
    public static void main(String[] a) throws Exception {
        for (boolean withSchema : new boolean[]{false, true}) {
            List<Transformation<SinkRecord>> chain = new ArrayList<>();
            for (Object[] u : USES) {
                Transformation<SinkRecord> t = (Transformation<SinkRecord>) Class.forName(P + u[0]).getDeclaredConstructor().newInstance();
                t.configure((Map<String, ?>) u[1]);
                chain.add(t);
                run(List.of(t), record(withSchema), 1_000_000_000L);
                System.out.printf("%-22s %-11s %7.0f ns a record%n", u[0], withSchema ? "schema" : "schemaless", run(List.of(t), record(withSchema), 500_000_000L));
            }
            run(chain, record(withSchema), 2_000_000_000L);
            System.out.printf("%-22s %-11s %7.0f ns a record%n", "chain of five", withSchema ? "schema" : "schemaless", run(chain, record(withSchema), 1_000_000_000L));
            measureJson(chain, withSchema);
        }
    }
}
