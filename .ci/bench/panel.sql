-- A large panel. :sites and :rows are set before. Times are UTC.
PRAGMA journal_mode = DELETE;
PRAGMA synchronous = OFF; -- while it is made; not stored in the file
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(64) NOT NULL UNIQUE, active CHAR(3) NOT NULL DEFAULT 'on', level INTEGER NOT NULL DEFAULT 16);
CREATE TABLE webdomain (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255) NOT NULL, name_idn VARCHAR(255), users INTEGER NOT NULL REFERENCES users(id),
	docroot VARCHAR(255), active CHAR(3) NOT NULL DEFAULT 'on', secure CHAR(3) NOT NULL DEFAULT 'off', ssl_cert VARCHAR(255), redirect_http CHAR(3) NOT NULL DEFAULT 'off',
	autosubdomain VARCHAR(64) DEFAULT 'off', php_mode VARCHAR(64));
CREATE TABLE webdomain_alias (id INTEGER PRIMARY KEY AUTOINCREMENT, webdomain INTEGER NOT NULL REFERENCES webdomain(id), name VARCHAR(255) NOT NULL, name_idn VARCHAR(255));
CREATE TABLE webdomain_ipaddr (id INTEGER PRIMARY KEY AUTOINCREMENT, webdomain INTEGER NOT NULL REFERENCES webdomain(id), value VARCHAR(64) NOT NULL);
CREATE TABLE ipaddr (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(64) NOT NULL UNIQUE);
CREATE TABLE letsencrypt_ssl (id INTEGER PRIMARY KEY AUTOINCREMENT, certname VARCHAR(255), users INTEGER, domain_name VARCHAR(255),
	processing CHAR(3) NOT NULL DEFAULT 'off', failed CHAR(3) NOT NULL DEFAULT 'off', time_started DATETIME);
CREATE TABLE letsencrypt_log (id INTEGER PRIMARY KEY AUTOINCREMENT, certname VARCHAR(255) NOT NULL, status VARCHAR(16) NOT NULL, date DATETIME NOT NULL, message TEXT);

INSERT INTO ipaddr (name) VALUES ('203.0.113.10'), ('2001:db8::10');
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(1, sites / 10) FROM size))
INSERT INTO users (name) SELECT printf('client%05d', i) FROM n;
-- One site in four is without TLS and without a redirect, one in twenty off.
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT sites FROM size))
INSERT INTO webdomain (name, name_idn, users, docroot, active, secure, ssl_cert, redirect_http, php_mode)
SELECT d, d, 1 + i / 10 % (SELECT count(*) FROM users), '/var/www/' || d || '/data', iif(i % 20 = 7, 'off', 'on'), iif(i % 4 = 1, 'off', 'on'),
	iif(i % 4 = 1, '', d || '_le1'), iif(i % 4 = 1, 'off', 'on'), 'php_mode_fcgi' FROM (SELECT i, printf('site%05d.example.com', i) d FROM n);
INSERT INTO webdomain_alias (webdomain, name, name_idn) SELECT id, 'www.' || name, 'www.' || name FROM webdomain;
INSERT INTO webdomain_ipaddr (webdomain, value) SELECT id, '203.0.113.10' FROM webdomain;
-- Of the certificates one in fifty was given up, and all others began within the last sixty days.
INSERT INTO letsencrypt_ssl (certname, users, domain_name, failed, time_started)
SELECT name || '_le1', users, name, iif(id % 50 = 11, 'on', 'off'), datetime('now', printf('-%d minutes', id * 7919 % 86400)) FROM webdomain;
-- The log runs over four hundred days up to now. The certificates given up
-- fail for ever, of the others one attempt in sixteen.
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT rows - 1 FROM size)),
row AS (SELECT i, 1 + i * 7919 % (SELECT sites FROM size) site, datetime('now', printf('-%d seconds', 34560000 - i * (34560000.0 / (SELECT rows FROM size)))) at FROM n)
INSERT INTO letsencrypt_log (certname, status, date, message)
SELECT c, iif(f, 'failed', 'ok'), at, CASE WHEN NOT f THEN 'certificate for ' || d || ', www.' || d || ' issued, order https://acme-v02.api.letsencrypt.org/acme/order/' || (1700000000 + i * 37) || '/' || (310000000000 + i * 911)
	WHEN i % 3 = 0 THEN 'urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://' || d || '/.well-known/acme-challenge/' || hex(randomblob(16)) || ': 404'
	WHEN i % 3 = 1 THEN 'urn:ietf:params:acme:error:dns: DNS problem: NXDOMAIN looking up A for ' || d || ' - check that a DNS record exists for this domain; DNS problem: NXDOMAIN looking up AAAA for ' || d
	ELSE 'urn:ietf:params:acme:error:connection: 203.0.113.10: Fetching http://' || d || '/.well-known/acme-challenge/' || hex(randomblob(16)) || ': Timeout during connect (likely firewall problem)' END
FROM (SELECT i, at, s.certname c, s.domain_name d, s.failed = 'on' OR i % 16 = 9 f FROM row JOIN letsencrypt_ssl s ON s.id = row.site);
DROP TABLE size;
