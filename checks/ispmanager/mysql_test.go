package ispmanager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// mysqlPanel is newPanel in MariaDB.
func mysqlPanel(t *testing.T, variants ...lab.Variant) (*lab.Panel, *ispmanager.Panel) {
	t.Helper()
	return backend{server: mariaDB(t)}.newPanel(t, variants...)
}

// The same rows in SQLite and in MariaDB are the same snapshot and the same
// attempts, whatever the zone and the character set.
func TestTheSampleIsTheSameInBothDatabases(t *testing.T) {
	server := mariaDB(t)
	for _, c := range []struct {
		charset string
		zone    *time.Location
	}{{"utf8mb4", time.FixedZone("", 3*3600)}, {"utf8mb3", time.FixedZone("", -5*3600)}} {
		t.Run(c.charset, func(t *testing.T) {
			now := time.Date(2026, 11, 21, 14, 5, 0, 0, c.zone)
			sample, err := lab.NewSample(t.TempDir(), now, 1, lab.WithoutFiles(), lab.WithZone(c.zone))
			must(t, err)
			defer sample.Panel.Close()
			panel, theirs := mysqlPanel(t, lab.WithCharset(c.charset), lab.WithZone(c.zone))
			copyRows(t, sample.Panel, server.Open(panel.Path()))
			ours := reader(t, sample.Panel.Path(), c.zone)
			want, got := read(t, ours), read(t, theirs)
			if len(want.Sites) < 100 {
				t.Fatalf("a sample of %d sites", len(want.Sites))
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}),
				cmpopts.IgnoreFields(checks.Snapshot{}, "Taken", "Writes")); diff != "" {
				t.Error("the snapshots differ (-SQLite +MariaDB):\n" + diff)
			}
			compareAttempts(t, attempts(t, theirs, 0), attempts(t, ours, 0))
		})
	}
}

// copyRows copies all rows of a panel. A column of dates in MariaDB takes dates
// only, so what is none becomes NULL in both.
func copyRows(t *testing.T, from *lab.Panel, to *sql.DB) {
	t.Helper()
	defer to.Close()
	must(t, from.Exec("UPDATE letsencrypt_ssl SET time_started = NULL WHERE time_started NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]'"))
	source, err := sql.Open("sqlite", from.Path())
	must(t, err)
	defer source.Close()
	for table, columns := range map[string]string{
		"users": "id, name", "webdomain": "id, name, name_idn, users, active, secure, ssl_cert, redirect_http",
		"webdomain_alias": "id, webdomain, name, name_idn", "webdomain_ipaddr": "id, webdomain, value", "ipaddr": "id, name",
		"letsencrypt_ssl": "id, certname, users, domain_name, processing, failed, time_started || ''", "letsencrypt_log": "id, certname, status, date || '', message",
	} {
		rows, err := source.Query("SELECT " + columns + " FROM " + table)
		must(t, err)
		names := strings.ReplaceAll(columns, " || ''", "")
		marks := "(?" + strings.Repeat(", ?", strings.Count(names, ",")) + ")"
		var batch []string
		var values []any
		flush := func() {
			if len(batch) > 0 {
				_, err := to.Exec("INSERT INTO "+table+"("+names+") VALUES "+strings.Join(batch, ", "), values...)
				must(t, err)
			}
			batch, values = nil, nil
		}
		for rows.Next() {
			row := make([]any, strings.Count(names, ",")+1)
			into := make([]any, len(row))
			for i := range row {
				into[i] = &row[i]
			}
			must(t, rows.Scan(into...))
			batch, values = append(batch, marks), append(values, row...)
			if len(batch) == 500 {
				flush()
			}
		}
		flush()
		must(t, errors.Join(rows.Err(), rows.Close())) //nolint:sqlclosecheck // the next table is read in the same loop
	}
}

// Columns of the types, engines and character sets that a server may have.
func TestOddTablesOfAServer(t *testing.T) {
	for name, statements := range map[string][]string{
		"latin1":        {"ALTER TABLE users CONVERT TO CHARACTER SET latin1", "ALTER TABLE letsencrypt_log CONVERT TO CHARACTER SET latin1"},
		"cp1251":        {"ALTER TABLE letsencrypt_ssl CONVERT TO CHARACTER SET cp1251", "ALTER TABLE webdomain CONVERT TO CHARACTER SET cp1251"},
		"utf8mb3":       {"ALTER TABLE letsencrypt_ssl CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_bin"},
		"binary":        {"ALTER TABLE letsencrypt_ssl MODIFY certname VARBINARY(255)"},
		"MyISAM":        {"ALTER TABLE webdomain ENGINE = MyISAM", "ALTER TABLE letsencrypt_log ENGINE = MyISAM"},
		"letter case":   {"RENAME TABLE webdomain TO WebDomain", "ALTER TABLE letsencrypt_ssl CHANGE time_started Time_Started DATETIME"},
		"other names":   {"ALTER TABLE letsencrypt_ssl CHANGE certname crtname VARCHAR(255)"},
		"enumerations":  {"ALTER TABLE webdomain MODIFY active ENUM('off', 'on')", "ALTER TABLE letsencrypt_ssl MODIFY failed ENUM('on', 'off')"},
		"ids unsigned":  {"ALTER TABLE webdomain MODIFY id BIGINT UNSIGNED AUTO_INCREMENT", "ALTER TABLE letsencrypt_log MODIFY id INT UNSIGNED AUTO_INCREMENT"},
		"a view":        {"RENAME TABLE letsencrypt_ssl TO l", "CREATE VIEW letsencrypt_ssl AS SELECT * FROM l"},
		"no ids":        {"ALTER TABLE letsencrypt_log DROP COLUMN id", "ALTER TABLE webdomain_alias DROP COLUMN id", "ALTER TABLE letsencrypt_ssl DROP COLUMN id"},
		"microseconds":  {"ALTER TABLE letsencrypt_ssl MODIFY time_started DATETIME(6)"},
		"padded flags":  {"SET GLOBAL sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,NO_ZERO_DATE,STRICT_ALL_TABLES'"},
		"another zone":  {"SET GLOBAL time_zone = '-08:00'", "SET time_zone = '+00:00'", "ALTER TABLE letsencrypt_ssl MODIFY time_started TIMESTAMP NULL"},
		"a plugin's":    {"ALTER TABLE webdomain ADD COLUMN `select` INT FIRST", "CREATE VIEW broken AS SELECT id FROM users", "CREATE VIEW ipaddr_webdomain AS SELECT id AS ipaddr, id AS webdomain FROM broken", "DROP VIEW broken", "CREATE TABLE `odd ``name`(x INT)"},
		"added at once": {"ALTER TABLE webdomain ADD COLUMN more INT, ALGORITHM = INSTANT"},
		"addresses of the Business edition": {
			"CREATE TABLE ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER, PRIMARY KEY(ipaddr, webdomain))",
			"INSERT INTO ipaddr(id, name) VALUES (9, '2001:db8::10')", "INSERT INTO ipaddr_webdomain VALUES (1, 1), (9, 1), (77, 1), (1, 77)",
			"DROP TABLE webdomain_ipaddr"},
	} {
		t.Run(name, func(t *testing.T) {
			panel, r := mysqlPanel(t)
			furnish(t, panel)
			read(t, r) // the shape changes while it runs
			for _, statement := range statements {
				must(t, panel.Exec(statement))
			}
			defer panel.Exec("SET GLOBAL sql_mode = DEFAULT, GLOBAL time_zone = DEFAULT")
			want := furnished()
			again := backend{server: mariaDB(t)}.reader(t, panel)
			for _, r := range []*ispmanager.Panel{r, again} {
				got := read(t, r)
				want.Addresses = got.Addresses // the Business edition's panel has one more
				compare(t, got, want)
				if log := attempts(t, r, 1); len(log) != 1 || log[0].Row != 1 || !log[0].Time.Equal(noon) || log[0].Certificate != "a.example_le1" {
					t.Errorf("attempts: %v", log)
				}
			}
		})
	}
}

func TestZeroDates(t *testing.T) {
	panel, r := mysqlPanel(t)
	for _, started := range []any{"0000-00-00 00:00:00", "2026-00-10 00:00:00", nil, "2026-11-21 12:00:00"} {
		must(t, panel.Exec("INSERT INTO letsencrypt_ssl(certname, time_started) VALUES ('a', ?)", started))
	}
	must(t, panel.Exec("INSERT INTO letsencrypt_log(certname, status, date) VALUES ('a', 'failed', '0000-00-00')"))
	got := read(t, r)
	want := []checks.Unreadable{
		{Table: "letsencrypt_ssl", Row: 1, Column: "time_started", Value: "0000-00-00 00:00:00"},
		{Table: "letsencrypt_ssl", Row: 2, Column: "time_started", Value: "2026-00-10 00:00:00"},
		{Table: "letsencrypt_ssl", Row: 3, Column: "time_started", Value: "NULL"}}
	if diff := cmp.Diff(want, got.Unreadable); diff != "" || !got.Certificates[3].Started.Equal(noon) {
		t.Error(diff, got.Certificates)
	}
	if log := attempts(t, r, 0); len(log) != 1 || !log[0].Time.IsZero() {
		t.Errorf("attempts: %v", log)
	}
}

func TestOddTextsOfAServer(t *testing.T) {
	panel, r := mysqlPanel(t)
	must(t, panel.Exec("ALTER TABLE letsencrypt_log MODIFY message LONGBLOB, MODIFY status VARCHAR(16) NULL"))
	long := strings.Repeat("x", 70_000)
	for _, row := range [][]any{{"a\x1fb\x1ec\x00d", "Failed"}, {[]byte("\xff"), nil}, {long, "success"}, {"`\\'", "Проверка"}} {
		must(t, panel.Exec("INSERT INTO letsencrypt_log(certname, date, message, status) VALUES ('one', '2026-11-21 12:00:00', ?, ?)", row...))
	}
	compareAttempts(t, attempts(t, r, 0), []checks.Attempt{
		{Server: "isp1", Row: 1, Certificate: "one", Outcome: checks.OutcomeFailed, Status: "Failed", Time: noon, Text: "a b c"},
		{Server: "isp1", Row: 2, Certificate: "one", Time: noon, Text: "\uFFFD"},
		{Server: "isp1", Row: 3, Certificate: "one", Outcome: checks.OutcomeIssued, Status: "success", Time: noon, Text: long[:65536]},
		{Server: "isp1", Row: 4, Certificate: "one", Status: "Проверка", Time: noon, Text: "`\\'"},
	})
}

// The user of the documents may read named columns only; that is enough, and
// the server's log shows that nothing else is asked for.
func TestTheLeastRightsAreEnoughAndOnlyNamedColumnsAreRead(t *testing.T) {
	panel, _ := mysqlPanel(t)
	server := mariaDB(t)
	furnish(t, panel)
	must(t, panel.Exec(threeNodes()[0]))
	user := lab.User{Name: "least", Password: "hunter3"}
	must(t, server.Exec("", fmt.Sprintf("CREATE OR REPLACE USER least@'%%' IDENTIFIED BY '%s'", user.Password)))
	for _, grant := range ispmanager.Grants("least@'%'", panel.Path()) {
		if !strings.Contains(grant, "ipaddr_webdomain") { // this panel has no such table
			must(t, server.Exec("", grant))
		}
	}
	before, err := server.Log()
	must(t, err)
	r := readerAs(t, server, user, panel, "")
	compare(t, read(t, r), furnished())
	if len(attempts(t, r, 0)) != 1 {
		t.Error("no attempts")
	}
	after, err := server.Log()
	must(t, err)
	said := strings.TrimPrefix(after, before)
	for _, secret := range []string{"*", "passwd", "safepasswd", "admpwd", user.Password, "SHOW ", "INSERT", "UPDATE ", "LOCK"} {
		if strings.Contains(said, secret) {
			t.Errorf("the server was told %q:\n%s", secret, said)
		}
	}
	for _, m := range regexp.MustCompile(`Query\t(\w+)`).FindAllStringSubmatch(said, -1) {
		if m[1] != "SELECT" && m[1] != "SET" && m[1] != "USE" {
			t.Errorf("a statement %s", m[1])
		}
	}
}

// A server does not show what its user may not read, so that such a column is not
// told from one that is not there; a user who may read all of a table tells it.
func TestWhatAUserMayNotReadIsNotSaidToBeMissing(t *testing.T) {
	panel, whole := mysqlPanel(t)
	server := mariaDB(t)
	furnish(t, panel)
	must(t, panel.Exec("ALTER TABLE letsencrypt_log DROP COLUMN message"))
	user, name := lab.User{Name: "partly", Password: "hunter8"}, panel.Path()
	must(t, server.Exec("", "CREATE OR REPLACE USER partly@'%' IDENTIFIED BY 'hunter8'", "GRANT SELECT (id, name, active) ON "+name+".webdomain TO partly@'%'",
		"GRANT SELECT ON "+name+".letsencrypt_log TO partly@'%'"))
	r := readerAs(t, server, user, panel, "")
	want := []checks.Missing{{Table: "users", Hidden: true}, {Table: "webdomain", Column: "name_idn", Hidden: true}, {Table: "webdomain", Column: "users", Hidden: true},
		{Table: "webdomain", Column: "secure", Hidden: true}, {Table: "webdomain", Column: "ssl_cert", Hidden: true}, {Table: "webdomain", Column: "redirect_http", Hidden: true},
		{Table: "webdomain_alias", Hidden: true}, {Table: "webdomain_ipaddr", Hidden: true}, {Table: "ipaddr", Hidden: true}, {Table: "letsencrypt_ssl", Hidden: true},
		{Table: "letsencrypt_log", Column: "message"}}
	if diff := cmp.Diff(want, read(t, r).Missing); diff != "" {
		t.Errorf("by a user of some columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[len(want)-1:], read(t, whole).Missing); diff != "" {
		t.Errorf("by a user of all of it (-want +got):\n%s", diff)
	}
	must(t, server.Exec("", "CREATE TABLE "+name+".ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER)", "GRANT SELECT ON "+name+".ipaddr_webdomain TO partly@'%'",
		"GRANT SELECT (id, name) ON "+name+".ipaddr TO partly@'%'"))
	if got := read(t, r).Missing; !slices.Contains(got, checks.Missing{Table: "node", Hidden: true}) {
		t.Errorf("the Business edition has nodes, and nothing is said of them: %v", got)
	}
	must(t, server.Exec("", "GRANT SELECT (secure) ON "+name+".webdomain TO partly@'%'"))
	if got := read(t, r); got.Lacks("webdomain", "secure") || got.Sites[0].Secure != checks.On {
		t.Errorf("after the grant: %v", got.Missing)
	}
}

// A quiet table is not read: after the last write has become old enough, a look
// is all that the server sees.
func TestWhatIsQuietIsNotRead(t *testing.T) {
	panel, r := mysqlPanel(t)
	server := mariaDB(t)
	furnish(t, panel)
	eventually(t, "a reading that does not read tables", func() bool {
		before, err := server.Log()
		must(t, err)
		read(t, r)
		after, err := server.Log()
		must(t, err)
		return !strings.Contains(strings.TrimPrefix(after, before), "FROM `webdomain`")
	})
	if _, changed, err := r.Poll(t.Context()); err != nil || changed {
		t.Error("nothing was written:", changed, err)
	}
	if n := testing.AllocsPerRun(50, func() { read(t, r) }); n > 1000 {
		t.Errorf("a reading without a change allocates %v times", n)
	}
	must(t, panel.SetActive("a.example", false))
	if got, changed, err := r.Poll(t.Context()); err != nil || !changed || got.Sites[0].Active != checks.Off {
		t.Error("a site was switched off:", changed, err)
	}
}

// After a restart the server does not know when a table was written to: while
// nothing changes, no row crosses the wire all the same, and each change is seen,
// also two that would cancel each other out.
func TestAServerThatForgetsWhenItWasWrittenTo(t *testing.T) {
	panel, r := mysqlPanel(t)
	server := mariaDB(t)
	furnish(t, panel)
	compare(t, read(t, r), furnished())
	must(t, panel.Close())
	must(t, errors.Join(server.Stop(), server.Start()))
	compare(t, read(t, r), furnished())
	unread := func() {
		t.Helper()
		before, err := server.Log()
		must(t, err)
		if _, changed, err := r.Poll(t.Context()); err != nil || changed {
			t.Error("nothing was written:", changed, err)
		}
		after, err := server.Log()
		must(t, err)
		for line := range strings.Lines(strings.TrimPrefix(after, before)) {
			if strings.Contains(line, "FROM `") && !strings.Contains(line, "md5") && !strings.Contains(line, "max(`id`)") {
				t.Error("a table was read:", line)
			}
		}
	}
	unread()
	db := server.Open(panel.Path())
	defer db.Close()
	_, err := db.ExecContext(t.Context(), "UPDATE webdomain SET secure = if(secure = 'on', 'off', 'on') WHERE id IN (1, 2)")
	must(t, err)
	if got, changed, err := r.Poll(t.Context()); err != nil || !changed || got.Sites[0].Secure != checks.Off || got.Sites[1].Secure != checks.On {
		t.Error("two sites were switched:", changed, err)
	}
	must(t, errors.Join(server.Stop(), server.Start()))
	read(t, r)
	unread()
}

func TestAServerThatDoesNotLetIn(t *testing.T) {
	server := mariaDB(t)
	panel, _ := mysqlPanel(t)
	furnish(t, panel)
	must(t, server.Exec("", "CREATE OR REPLACE USER stranger@'%' IDENTIFIED BY 'x'", "CREATE OR REPLACE USER tls@'%' IDENTIFIED BY 'x' REQUIRE SSL",
		"CREATE OR REPLACE USER none@'%' IDENTIFIED BY 'x'", "GRANT SELECT (id) ON "+panel.Path()+".sslcert TO none@'%'", "GRANT SELECT ON *.* TO tls@'%'"))
	at := func(user, host, name string) *ispmanager.Panel {
		r := ispmanager.New(ispmanager.Config{Name: "isp1", Database: "mysql://" + user + "@" + host + "/" + name, Password: func() string { return "x" }})
		t.Cleanup(func() { r.Close() })
		return r
	}
	here, name := server.Address(), panel.Path()
	for what, c := range map[string]struct {
		reader *ispmanager.Panel
		want   ispmanager.Reason
	}{
		"a wrong password":           {at(lab.Reader().Name, here, name), ispmanager.Login},
		"no such user":               {at("nobody", here, name), ispmanager.Login},
		"no right to the database":   {at("stranger", here, name), ispmanager.Permission},
		"no right to the tables":     {at("none", here, name), ispmanager.Permission},
		"no such database":           {readerAs(t, server, lab.Reader(), panel, "x"), ispmanager.Unknown},
		"another database":           {at("tls", here, "mysql?tls=required"), ispmanager.Shape},
		"nobody listens":             {at("x", "127.0.0.1:1", name), ispmanager.Unreachable},
		"no such socket":             {at("x", "", name+"?socket=/nowhere/s"), ispmanager.Unreachable},
		"only with TLS":              {at("tls", here, name), ispmanager.Login},
		"a certificate of nobody's":  {at("tls", here, name+"?tls=verify"), ispmanager.Encryption},
		"no file of the certificate": {at("tls", here, name+"?ca=/nowhere/ca.pem"), ispmanager.Encryption},
	} {
		t.Run(what, func(t *testing.T) { wantReason(t, c.reader, c.want) })
	}
	for _, options := range []string{"?tls=required", "?tls=preferred", "?ca=" + server.CAFile()} {
		t.Run(options, func(t *testing.T) { compare(t, read(t, at("tls", here, name+options)), furnished()) })
	}
	t.Run("a socket", func(t *testing.T) {
		r := ispmanager.New(ispmanager.Config{Name: "isp1", Database: "mysql://" + lab.Reader().Name + "@/" + name + "?socket=" + server.Socket(),
			Password: func() string { return lab.Reader().Password }})
		t.Cleanup(func() { must(t, r.Close()) })
		compare(t, read(t, r), furnished())
	})
}

func TestErrorsOfAServerShowNoPassword(t *testing.T) {
	panel, _ := mysqlPanel(t)
	user := lab.User{Name: lab.Reader().Name, Password: "hunter4"}
	r := readerAs(t, mariaDB(t), user, panel, "")
	_, _, err := r.Poll(t.Context())
	var failure *ispmanager.Error
	if !errors.As(err, &failure) || !strings.Contains(failure.Path, user.Name+"@127.0.0.1") {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", failure, failure), fmt.Sprintf("%+v %#v", r, r)} {
		if strings.Contains(text, user.Password) {
			t.Errorf("the password is in %s", text)
		}
	}
}

// What happens to a server: each is told, and over by itself.
func TestAServerThatComesBack(t *testing.T) {
	server := mariaDB(t)
	panel, r := mysqlPanel(t)
	furnish(t, panel)
	must(t, panel.Exec(`INSERT INTO letsencrypt_log(certname, status, date)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) SELECT 'a', 'failed', '2026-11-21 12:00:00' FROM n`))
	name := panel.Path()
	kill := func() {
		must(t, server.Exec("", "KILL USER "+lab.Reader().Name))
	}
	t.Run("killed connections", func(t *testing.T) {
		compare(t, read(t, r), furnished())
		kill()
		compare(t, read(t, r), furnished())
		rows, batches := 0, 0
		must(t, r.Attempts(t.Context(), 0, func(batch []checks.Attempt) error {
			if batches++; batches == 2 {
				kill()
			}
			rows += len(batch)
			return nil
		}))
		if rows != 2001 || batches < 3 {
			t.Errorf("%d rows in %d batches", rows, batches)
		}
	})
	t.Run("a grant that is revoked", func(t *testing.T) {
		must(t, server.Exec("", "CREATE OR REPLACE USER guest@'%' IDENTIFIED BY 'x'", "GRANT SELECT ON "+name+".* TO guest@'%'"))
		guest := readerAs(t, server, lab.User{Name: "guest", Password: "x"}, panel, "")
		compare(t, read(t, guest), furnished())
		must(t, server.Exec("", "REVOKE SELECT ON "+name+".* FROM guest@'%'"))
		wantReason(t, guest, ispmanager.Permission)
		must(t, server.Exec("", "GRANT SELECT ON "+name+".* TO guest@'%'"))
		compare(t, read(t, guest), furnished())
	})
	t.Run("no connection left", func(t *testing.T) {
		must(t, r.Close())
		must(t, server.Exec("", "SET GLOBAL max_connections = 10"))
		crowd := server.Open("")
		var held []*sql.Conn
		for {
			conn, err := crowd.Conn(t.Context())
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		wantReason(t, r, ispmanager.Full)
		for _, conn := range held {
			must(t, conn.Close())
		}
		must(t, crowd.Close())
		eventually(t, "a free connection", func() bool { _, _, err := r.Poll(t.Context()); return err == nil })
		must(t, server.Exec("", "SET GLOBAL max_connections = DEFAULT"))
	})
	t.Run("a restart", func(t *testing.T) {
		compare(t, read(t, r), furnished())
		must(t, server.Stop())
		wantReason(t, r, ispmanager.Unreachable)
		must(t, server.Start())
		compare(t, read(t, r), furnished())
		must(t, r.Attempts(t.Context(), 2001, func([]checks.Attempt) error {
			return errors.Join(server.Stop(), server.Start())
		}))
		compare(t, read(t, r), furnished())
	})
}

func TestASlowServer(t *testing.T) {
	panel, r := mysqlPanel(t)
	furnish(t, panel)
	must(t, panel.Exec("RENAME TABLE webdomain TO w"))
	must(t, panel.Exec("CREATE VIEW webdomain AS SELECT id, name, name_idn, users, active, if(sleep(60) = 0, secure, NULL) AS secure, ssl_cert, redirect_http FROM w"))
	begun := time.Now()
	_, _, err := r.Poll(t.Context())
	var failure *ispmanager.Error
	if !errors.As(err, &failure) || failure.Reason != ispmanager.Timeout {
		t.Errorf("Poll: %v after %v", err, time.Since(begun))
	}
	if spent := time.Since(begun); spent > 30*time.Second {
		t.Errorf("it took %v", spent)
	}
	// The server says that it ended a statement before its list shows that.
	eventually(t, "no statement runs in the server", func() bool { return sleeping(t, panel) == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := r.Poll(ctx); err != context.DeadlineExceeded {
		t.Errorf("with a deadline: %v", err)
	}
	must(t, panel.Exec("DROP VIEW webdomain"))
	must(t, panel.Exec("RENAME TABLE w TO webdomain"))
	compare(t, read(t, r), furnished())
}

// sleeping counts the statements of the reader that the server runs.
func sleeping(t *testing.T, panel *lab.Panel) (n int) {
	t.Helper()
	db := mariaDB(t).Open("")
	defer db.Close()
	must(t, db.QueryRow("SELECT count(*) FROM information_schema.processlist WHERE user = ? AND db = ? AND command = 'Query'",
		lab.Reader().Name, filepath.Base(panel.Path())).Scan(&n))
	return n
}
