-- A large panel in MariaDB, as panel.sql makes one in SQLite. @sites and @rows
-- are set before. Times are UTC.
SET SESSION max_recursive_iterations = 100000000, time_zone = '+00:00';
CREATE TABLE users (id INTEGER PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64) NOT NULL UNIQUE, active CHAR(3) NOT NULL DEFAULT 'on', level INTEGER NOT NULL DEFAULT 16);
CREATE TABLE webdomain (id INTEGER PRIMARY KEY AUTO_INCREMENT, name VARCHAR(255) NOT NULL, name_idn VARCHAR(255), users INTEGER NOT NULL,
	docroot VARCHAR(255), active CHAR(3) NOT NULL DEFAULT 'on', secure CHAR(3) NOT NULL DEFAULT 'off', ssl_cert VARCHAR(255), redirect_http CHAR(3) NOT NULL DEFAULT 'off',
	autosubdomain VARCHAR(64) DEFAULT 'off', php_mode VARCHAR(64));
CREATE TABLE webdomain_alias (id INTEGER PRIMARY KEY AUTO_INCREMENT, webdomain INTEGER NOT NULL, name VARCHAR(255) NOT NULL, name_idn VARCHAR(255));
CREATE TABLE ipaddr (id INTEGER PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64) NOT NULL UNIQUE);
CREATE TABLE ipaddr_webdomain (ipaddr INTEGER, webdomain INTEGER, PRIMARY KEY (ipaddr, webdomain));
CREATE TABLE letsencrypt_ssl (id INTEGER PRIMARY KEY AUTO_INCREMENT, certname VARCHAR(255), users INTEGER, domain_name VARCHAR(255),
	processing CHAR(3) NOT NULL DEFAULT 'off', failed CHAR(3) NOT NULL DEFAULT 'off', time_started DATETIME);
CREATE TABLE letsencrypt_log (id INTEGER PRIMARY KEY AUTO_INCREMENT, certname VARCHAR(255) NOT NULL, status VARCHAR(16) NOT NULL, date DATETIME NOT NULL, message TEXT);

INSERT INTO ipaddr (name) VALUES ('203.0.113.10'), ('2001:db8::10');
INSERT INTO users (name)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < greatest(1, @sites DIV 10)) SELECT concat('client', lpad(i, 5, '0')) FROM n;
-- One site in four is without TLS and without a redirect, one in twenty off.
INSERT INTO webdomain (name, name_idn, users, docroot, active, secure, ssl_cert, redirect_http, php_mode)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @sites)
SELECT d, d, 1 + i DIV 10 % greatest(1, @sites DIV 10), concat('/var/www/', d, '/data'), if(i % 20 = 7, 'off', 'on'), if(i % 4 = 1, 'off', 'on'),
	if(i % 4 = 1, '', concat(d, '_le1')), if(i % 4 = 1, 'off', 'on'), 'php_mode_fcgi' FROM (SELECT i, concat('site', lpad(i, 5, '0'), '.example.com') d FROM n) s;
INSERT INTO webdomain_alias (webdomain, name, name_idn) SELECT id, concat('www.', name), concat('www.', name) FROM webdomain;
INSERT INTO ipaddr_webdomain SELECT 1, id FROM webdomain;
-- Of the certificates one in fifty was given up, and all others began within the last sixty days.
INSERT INTO letsencrypt_ssl (certname, users, domain_name, failed, time_started)
SELECT concat(name, '_le1'), users, name, if(id % 50 = 11, 'on', 'off'), now() - INTERVAL id * 7919 % 86400 MINUTE FROM webdomain;
-- The log runs over four hundred days up to now. The certificates given up
-- fail for ever, of the others one attempt in sixteen.
INSERT INTO letsencrypt_log (certname, status, date, message)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < @rows - 1)
SELECT s.certname, if(s.failed = 'on' OR i % 16 = 9, 'failed', 'ok'), now() - INTERVAL 34560000 - floor(i * (34560000 / @rows)) SECOND,
	if(s.failed = 'on' OR i % 16 = 9, concat('urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://', s.domain_name, '/.well-known/acme-challenge/', md5(i), ': 404'),
		concat('certificate for ', s.domain_name, ', www.', s.domain_name, ' issued, order https://acme-v02.api.letsencrypt.org/acme/order/1/', i))
FROM n JOIN letsencrypt_ssl s ON s.id = 1 + i * 7919 % @sites ORDER BY i;
