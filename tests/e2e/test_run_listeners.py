"""`sluice run --worker FILE`: where it listens is what the properties say, as for a Connect worker; --listen goes before them."""

from sluicetest import Case, Sluice
from sluicetest import http
from sluicetest.ports import free_port


class Unasked(Sluice):
    """Started without --listen."""

    def command(self):
        command = super().command()
        at = command.index("--listen")
        return command[:at] + command[at + 2:]


class RunListeners(Case):
    time_limit = 60

    def worker(self, **properties):
        path = self.scratch() / "worker.properties"
        path.write_text("".join("%s=%s\n" % kv for kv in properties.items()))
        return "--worker", str(path)

    def answers(self, port, path="/"):
        try:
            return http.get("http://127.0.0.1:%d%s" % (port, path), timeout=5).status
        except OSError:
            return None

    def test_listeners_of_the_properties(self):
        port, second = free_port(), free_port()
        listeners = "http://127.0.0.1:%d,http://127.0.0.1:%d" % (port, second)
        self.enterContext(Unasked(*self.worker(listeners=listeners), port=port))
        self.assertEqual(200, self.answers(port))
        self.assertEqual(200, self.answers(second))

    def test_admin_listeners_of_the_properties(self):
        port, admin = free_port(), free_port()
        self.enterContext(Unasked(*self.worker(**{"listeners": "http://127.0.0.1:%d" % port,
                                                  "admin.listeners": "http://127.0.0.1:%d" % admin}), port=port))
        self.assertEqual(200, self.answers(admin, "/admin/loggers"))
        self.assertEqual(404, self.answers(port, "/admin/loggers"))

    def test_the_option_goes_before_them(self):
        other = free_port()
        sluice = self.enterContext(Sluice(*self.worker(listeners="http://127.0.0.1:%d" % other)))
        self.assertEqual(200, self.answers(sluice.port))
        self.assertIsNone(self.answers(other))
