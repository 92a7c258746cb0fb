-- The tables of an ISPmanager panel that matter to certificates, as well as they can be reconstructed from outside.
-- Marks: A stated by the seed article, D documented by the vendor, S seen in public code, G guessed.
-- Types are guesses everywhere; only "bool = three characters, on or off" is documented.
-- One column a line: the variants of the lab work on lines.

CREATE TABLE users (                                    -- D
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- D
  name VARCHAR(64) NOT NULL UNIQUE,                     -- D
  fullname VARCHAR(255),                                -- D
  passwd VARCHAR(255),                                  -- D, always empty here
  safepasswd TEXT,                                      -- D, always empty here
  active CHAR(3) NOT NULL DEFAULT 'on',                 -- D
  uid INTEGER,                                          -- D
  gid INTEGER,                                          -- D
  home VARCHAR(255),                                    -- D
  level INTEGER NOT NULL DEFAULT 16,                    -- D, 30 superadmin, 29 admin, 16 user
  preset VARCHAR(64),                                   -- D
  shell VARCHAR(255),                                   -- D
  create_time DATETIME,                                 -- D
  tag VARCHAR(255)                                      -- D
);

CREATE TABLE webdomain (                                -- A S
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- S
  name VARCHAR(255) NOT NULL,                           -- S
  name_idn VARCHAR(255),                                -- S, which of the two is the A-label is unknown
  users INTEGER NOT NULL REFERENCES users(id),          -- S
  docroot VARCHAR(255),                                 -- S
  active CHAR(3) NOT NULL DEFAULT 'on',                 -- A S
  secure CHAR(3) NOT NULL DEFAULT 'off',                -- A S
  ssl_cert VARCHAR(255),                                -- S
  redirect_http CHAR(3) NOT NULL DEFAULT 'off',         -- A S
  email VARCHAR(255),                                   -- S, MySQL edition
  dirindex VARCHAR(255),                                -- S, MySQL edition
  int_suspend CHAR(3) DEFAULT 'off',                    -- S, MySQL edition; meaning guessed: suspended with its owner
  autosubdomain VARCHAR(64) DEFAULT 'off',              -- S
  php_mode VARCHAR(64),                                 -- S
  ssl_port INTEGER DEFAULT 443,                         -- G, a parameter of webdomain.edit
  hsts CHAR(3) DEFAULT 'off'                            -- G, a parameter of webdomain.edit
);

CREATE TABLE webdomain_alias (                          -- S
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- G
  webdomain INTEGER NOT NULL REFERENCES webdomain(id),  -- S
  name VARCHAR(255) NOT NULL,                           -- S, may be *.example.com
  name_idn VARCHAR(255)                                 -- S
);

CREATE TABLE webdomain_ipaddr (                         -- S
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- S
  webdomain INTEGER NOT NULL REFERENCES webdomain(id),  -- S
  value VARCHAR(64) NOT NULL                            -- S, the address as text
);

CREATE TABLE ipaddr (                                   -- S
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- S
  name VARCHAR(64) NOT NULL UNIQUE                      -- S, the address as text
);

CREATE TABLE letsencrypt_ssl (                          -- A
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- G, house rule; --cert-id N
  certname VARCHAR(255),                                -- G, name borrowed from letsencrypt_log
  users INTEGER,                                        -- G
  domain_name VARCHAR(255),                             -- G, a form parameter
  processing CHAR(3) NOT NULL DEFAULT 'off',            -- A
  failed CHAR(3) NOT NULL DEFAULT 'off',                -- A
  time_started DATETIME                                 -- A
);

CREATE TABLE letsencrypt_log (                          -- A
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- G
  certname VARCHAR(255) NOT NULL,                       -- A
  status VARCHAR(16) NOT NULL,                          -- A ('failed'); other values G
  date DATETIME NOT NULL,                               -- A
  message TEXT                                          -- G
);

CREATE TABLE sslcert (                                  -- S on Business with MySQL only; optional on SQLite
  id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- G
  name VARCHAR(255) NOT NULL,                           -- S
  type VARCHAR(64),                                     -- S
  valid_after DATE,                                     -- S, the end of validity in spite of its name
  users INTEGER                                         -- G
);
