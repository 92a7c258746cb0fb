-- Of a few certificates the attempts that are not settled are found at once.
DROP INDEX attempt_unsettled;
CREATE INDEX attempt_unsettled ON attempt (server, certificate) WHERE settled = 0;
