-- What was delivered, asked and done long ago costs nothing any more: every query that
-- runs beside it has an index, as has every reference to a row that is pruned.
CREATE INDEX delivery_follows ON delivery (follows) WHERE follows IS NOT NULL;
CREATE INDEX delivery_spared ON delivery (created) WHERE spare IS NOT NULL;
CREATE INDEX delivery_shown ON delivery (place, ref) WHERE state = 'sent';
CREATE INDEX delivery_sent ON delivery (chat, sent_at) WHERE state = 'sent';
CREATE INDEX inbox_handled ON inbox (handled) WHERE handled > 0;
CREATE INDEX inbox_person ON inbox (person);
CREATE INDEX action_created ON action (created);
CREATE INDEX task_delivery ON task (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX task_plan ON task (plan) WHERE plan <> '';
CREATE INDEX audit_person ON audit (person);

-- The names in the arguments of the audit's entries: words with a dot.
CREATE TABLE audit_name (
	word  TEXT NOT NULL,
	entry INTEGER NOT NULL, -- of the audit, of which nothing is ever deleted
	PRIMARY KEY (word, entry)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO audit_name
	WITH RECURSIVE word(entry, word, rest) AS (SELECT id, '', args || ' ' FROM audit WHERE instr(args, '.') > 0
		UNION ALL SELECT entry, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM word WHERE rest <> '')
	SELECT word, entry FROM word WHERE instr(word, '.') > 0 AND length(word) <= 253;

-- Of a message that was delivered only the title is kept, where nothing changes it later
-- or turns the page of its buttons.
UPDATE delivery SET message = json_object('language', message ->> '$.language', 'tone', message ->> '$.tone', 'title', message ->> '$.title')
	WHERE state = 'sent' AND problem IS NULL AND under IS NULL AND message ->> '$.more' IS NULL;
