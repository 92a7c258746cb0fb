-- Which chats were told how a panel stands, before they are told of its changes. The
-- chat is the address of the configuration.
CREATE TABLE greeting (
	chat     TEXT NOT NULL,
	server   TEXT NOT NULL,
	delivery INTEGER NOT NULL, -- the message that tells it; 0: one from before this was kept
	at       INTEGER NOT NULL, -- when it was enqueued
	PRIMARY KEY (chat, server)
) STRICT, WITHOUT ROWID;

-- A chat that got anything but answers to its questions knows the panels that were
-- watched by then.
INSERT INTO greeting (chat, server, delivery, at)
	SELECT DISTINCT got.chat, watch.server, 0, 0
	FROM (SELECT chat FROM delivery WHERE state = 'sent' AND kind <> 'answer'
		UNION SELECT c.address FROM chat c JOIN delivery d ON d.chat = c.moved_to WHERE d.state = 'sent' AND d.kind <> 'answer') got, watch
	WHERE instr(watch.server, '/') = 0;
