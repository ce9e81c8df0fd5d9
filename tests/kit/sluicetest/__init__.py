"""What sluice's Python tests share: private servers, clients for them, and the sluice process itself.

    from sluicetest import Case, Kafka, Postgres, Sluice

Standard library only. See tests/README.md.
"""

from .case import Case, eventually, timeout
from .host import Sluice
from .servers import Chdb, ClickHouse, Kafka, Postgres, Redis, S3, make_certs, scratch_dir

__all__ = ["Case", "Chdb", "ClickHouse", "Kafka", "Postgres", "Redis", "S3", "Sluice", "eventually", "make_certs",
           "scratch_dir", "timeout"]
