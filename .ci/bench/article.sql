-- The six questions of the article that this program began with, asked of the
-- panel's own tables.
SELECT count(*) FROM letsencrypt_ssl WHERE processing = 'on';
SELECT count(*) FROM letsencrypt_ssl WHERE failed = 'on';
SELECT count(*) FROM (SELECT count(*) c FROM letsencrypt_log WHERE status = 'failed' AND date >= datetime('now', '-4 hour') GROUP BY certname) WHERE c > 1;
SELECT count(*) FROM letsencrypt_ssl WHERE unixepoch() - unixepoch(time_started) >= 83 * 86400 AND processing = 'off' AND failed = 'off';
SELECT count(*) FROM webdomain WHERE active = 'on' AND redirect_http = 'off';
SELECT * FROM webdomain WHERE active = 'on' AND secure = 'off';
