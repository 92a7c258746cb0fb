-- Makes the sites of panel.sql lead to the servers of the sweep's benchmark:
-- all switched on, with TLS, on two addresses.
UPDATE ipaddr SET name = '127.0.0.' || (id + 1);
UPDATE webdomain SET active = 'on', secure = 'on', name = printf('site%06d.ru', id), name_idn = printf('site%06d.ru', id), ssl_cert = printf('site%06d.ru_le1', id);
UPDATE webdomain_alias SET name = printf('www%06d.ru', webdomain), name_idn = printf('www%06d.ru', webdomain);
UPDATE webdomain_ipaddr SET value = '127.0.0.' || (2 + webdomain % 2);
UPDATE letsencrypt_log SET certname = (SELECT printf('site%06d.ru_le1', w.id) FROM webdomain w WHERE w.id = CAST(substr(certname, 5) AS INTEGER));
UPDATE letsencrypt_ssl SET certname = printf('site%06d.ru_le1', id), domain_name = printf('site%06d.ru', id);
