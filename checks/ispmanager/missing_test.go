package ispmanager_test

import (
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// without is a table or a column, and what a snapshot lacks if it is missing.
type without struct {
	table, column string
	lacks         func(*checks.Snapshot)
}

func eachSite(change func(*checks.Site)) func(*checks.Snapshot) {
	return func(s *checks.Snapshot) {
		for i := range s.Sites {
			change(&s.Sites[i])
		}
	}
}

func eachCertificate(change func(*checks.Certificate)) func(*checks.Snapshot) {
	return func(s *checks.Snapshot) {
		for i := range s.Certificates {
			change(&s.Certificates[i])
		}
	}
}

func nothing(*checks.Snapshot) {}

// What is missing switches off only what needs it, and is reported.
func TestWhatIsMissingIsToldAndHarmsNothingElse(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		noOwners := func(s *checks.Snapshot) {
			eachSite(func(s *checks.Site) { s.Owner = "" })(s)
			eachCertificate(func(c *checks.Certificate) { c.Owner = "" })(s)
		}
		noAliases := eachSite(func(s *checks.Site) { s.Aliases = nil })
		noAddresses := eachSite(func(s *checks.Site) { s.Addresses = nil })
		for _, w := range []without{
			{"users", "", noOwners},
			{"users", "name", noOwners},
			{"webdomain", "", func(s *checks.Snapshot) { s.Sites = nil }},
			{"webdomain", "name", nothing},
			{"webdomain", "name_idn", nothing},
			{"webdomain", "users", eachSite(func(s *checks.Site) { s.Owner = "" })},
			{"webdomain", "active", eachSite(func(s *checks.Site) { s.Active = checks.Unset })},
			{"webdomain", "secure", eachSite(func(s *checks.Site) { s.Secure = checks.Unset })},
			{"webdomain", "ssl_cert", eachSite(func(s *checks.Site) { s.Certificate = "" })},
			{"webdomain", "redirect_http", eachSite(func(s *checks.Site) { s.Redirect = checks.Unset })},
			{"webdomain_alias", "", noAliases},
			{"webdomain_alias", "webdomain", noAliases},
			{"webdomain_alias", "name", nothing},
			{"webdomain_alias", "name_idn", nothing},
			{"webdomain_ipaddr", "", noAddresses},
			{"webdomain_ipaddr", "webdomain", noAddresses},
			{"webdomain_ipaddr", "value", noAddresses},
			{"ipaddr", "", func(s *checks.Snapshot) { s.Addresses = nil }},
			{"ipaddr", "name", func(s *checks.Snapshot) { s.Addresses = nil }},
			{"letsencrypt_ssl", "", func(s *checks.Snapshot) { s.Certificates = nil }},
			{"letsencrypt_ssl", "certname", func(s *checks.Snapshot) {
				s.Certificates[0].Name, s.Certificates[1].Name, s.Certificates[1].Domain = "", "", ""
			}},
			{"letsencrypt_ssl", "users", eachCertificate(func(c *checks.Certificate) { c.Owner = "" })},
			{"letsencrypt_ssl", "domain_name", nothing},
			{"letsencrypt_ssl", "processing", eachCertificate(func(c *checks.Certificate) { c.Processing = checks.Unset })},
			{"letsencrypt_ssl", "failed", eachCertificate(func(c *checks.Certificate) { c.Failed = checks.Unset })},
			{"letsencrypt_ssl", "time_started", eachCertificate(func(c *checks.Certificate) { c.Started = time.Time{} })},
			{"letsencrypt_log", "", nothing},
			{"letsencrypt_log", "certname", nothing},
			{"letsencrypt_log", "status", nothing},
			{"letsencrypt_log", "date", nothing},
			{"letsencrypt_log", "message", nothing},
		} {
			t.Run(w.table+" "+w.column, func(t *testing.T) { w.test(t, b) })
		}
	})
}

func (w without) test(t *testing.T, b backend) {
	variant := lab.WithoutTable(w.table)
	if w.column != "" {
		variant = lab.WithoutColumn(w.table, w.column)
	}
	panel, r := b.newPanel(t, variant)
	furnish(t, panel)
	want := furnished()
	w.lacks(&want)
	want.Missing = []checks.Missing{{Table: w.table, Column: w.column}}
	got := read(t, r)
	compare(t, got, want)
	if !got.Lacks(w.table, w.column) {
		t.Error("the snapshot does not say what it lacks")
	}
	log := attempts(t, r, 0)
	if rows := one(w.table != "letsencrypt_log" || w.column != ""); len(log) != rows {
		t.Errorf("%d attempts, want %d", len(log), rows)
	}
}

func TestColumnsWithoutIDsAreFoundByRow(t *testing.T) {
	panel, r := newPanel(t, lab.WithoutColumn("letsencrypt_ssl", "id"), lab.WithoutColumn("letsencrypt_log", "id"),
		lab.WithoutColumn("webdomain_alias", "id"), lab.WithoutColumn("webdomain", "id"), lab.WithoutColumn("users", "id"))
	furnish(t, panel)
	compare(t, read(t, r), furnished())
	if log := attempts(t, r, 1); len(log) != 1 || log[0].Row != 1 {
		t.Errorf("attempts: %v", log)
	}
}

// The same panel as other editions and versions may store it.
func TestOtherShapesOfTables(t *testing.T) {
	for name, statements := range map[string][]string{
		"other letter case": {
			"ALTER TABLE webdomain RENAME TO w", "ALTER TABLE w RENAME TO WebDomain", "ALTER TABLE letsencrypt_ssl RENAME COLUMN time_started TO Time_Started"},
		"names of other columns": {
			"ALTER TABLE letsencrypt_ssl RENAME COLUMN certname TO crtname", "ALTER TABLE letsencrypt_ssl RENAME COLUMN domain_name TO domain"},
		"addresses of the Business edition": {
			"CREATE TABLE ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER, PRIMARY KEY(ipaddr, webdomain))",
			"INSERT INTO ipaddr(id, name) VALUES (9, '2001:db8::10')", "INSERT INTO ipaddr_webdomain VALUES (1, 1), (9, 1), (77, 1), (1, 77)",
			"DROP TABLE webdomain_ipaddr"},
		"no rowid": {
			"CREATE TABLE l(id INT PRIMARY KEY, processing, failed, certname, users, domain_name, time_started DATETIME) WITHOUT ROWID",
			"INSERT INTO l SELECT id, processing, failed, certname, users, domain_name, time_started FROM letsencrypt_ssl",
			"INSERT INTO l(id) VALUES ('not a number')",
			"DROP TABLE letsencrypt_ssl", "ALTER TABLE l RENAME TO letsencrypt_ssl"},
		"a view": {
			"ALTER TABLE letsencrypt_ssl RENAME TO l",
			"CREATE VIEW letsencrypt_ssl AS SELECT * FROM l"},
		"a broken view": {"CREATE VIEW v AS SELECT x FROM nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			panel, r := newPanel(t)
			furnish(t, panel)
			for _, statement := range statements {
				must(t, panel.Exec(statement))
			}
			got, want := read(t, r), furnished()
			want.Addresses = got.Addresses // the Business edition's panel has one more
			compare(t, got, want)
		})
	}
}

func TestTheSchemaMayChangeWhileRunning(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		compare(t, read(t, r), furnished())
		must(t, panel.Exec("ALTER TABLE webdomain DROP COLUMN secure"))
		must(t, panel.Exec("DROP TABLE webdomain_alias"))
		want := furnished()
		eachSite(func(s *checks.Site) { s.Secure, s.Aliases = checks.Unset, nil })(&want)
		want.Missing = []checks.Missing{{Table: "webdomain", Column: "secure"}, {Table: "webdomain_alias"}}
		compare(t, read(t, r), want)
		must(t, panel.Exec("ALTER TABLE webdomain ADD COLUMN secure CHAR(3) DEFAULT 'on'"))
		must(t, panel.Exec("CREATE TABLE webdomain_alias(name TEXT, webdomain INTEGER, name_idn TEXT)"))
		eachSite(func(s *checks.Site) { s.Secure = checks.On })(&want)
		want.Missing = nil
		compare(t, read(t, r), want)
		must(t, panel.Exec("DROP TABLE letsencrypt_log"))
		if got := attempts(t, r, 0); len(got) != 0 {
			t.Errorf("attempts of a table that is gone: %v", got)
		}
	})
}

func TestOddValues(t *testing.T) {
	panel, r := newPanel(t, lab.WithoutTable("webdomain"), lab.WithoutTable("letsencrypt_ssl"))
	must(t, panel.Exec("CREATE TABLE webdomain(id INTEGER PRIMARY KEY, name, name_idn, users, active, secure, ssl_cert, redirect_http)"))
	must(t, panel.Exec("CREATE TABLE letsencrypt_ssl(id INTEGER PRIMARY KEY, certname, users, domain_name, processing, failed, time_started DATETIME)"))
	for _, row := range [][]any{
		{nil, nil, nil, nil, nil, nil, nil},
		{"xn--e1afmkfd.xn--p1ai", "пример.рф", "client1", " ON ", "Off", "", "maybe"},
		{"bad name.example", "also_bad", 77, 1, "on", "a\x1fb", "on"},
		{[]byte("\xff\xfe.example"), "", 1.5, "on", "on", nil, "on"},
	} {
		must(t, panel.Exec("INSERT INTO webdomain(name, name_idn, users, active, secure, ssl_cert, redirect_http) VALUES (?,?,?,?,?,?,?)", row...))
	}
	for _, row := range [][]any{
		{nil, nil, nil, nil, nil, nil},
		{"b.example_le3", nil, "", "on", "off", "0000-00-00 00:00:00"},
		{"own name", nil, nil, "off", "off", "1795262400"},
		{"under_score_le1", nil, nil, "off", "off", 1795262400},
		{"c_le2", nil, "c.example, www.c.example", "off", "off", 1795262400.25},
		{"d", nil, "no domain", "off", "off", "yesterday"},
	} {
		must(t, panel.Exec("INSERT INTO letsencrypt_ssl(certname, users, domain_name, processing, failed, time_started) VALUES (?,?,?,?,?,?)", row...))
	}
	compare(t, read(t, r), oddSnapshot())
}

func oddSnapshot() checks.Snapshot {
	const on, off = checks.On, checks.Off
	doubts := []checks.Unreadable{
		{Table: "webdomain", Row: 1, Column: "name", Value: "NULL"},
		{Table: "webdomain", Row: 2, Column: "redirect_http", Value: "maybe"},
		{Table: "webdomain", Row: 3, Column: "name", Value: "bad name.example"},
		{Table: "webdomain", Row: 3, Column: "active", Value: "1"},
		{Table: "webdomain", Row: 4, Column: "name", Value: "\uFFFD.example"},
		{Table: "letsencrypt_ssl", Row: 1, Column: "time_started", Value: "NULL"},
		{Table: "letsencrypt_ssl", Row: 2, Column: "time_started", Value: "0000-00-00 00:00:00"},
		{Table: "letsencrypt_ssl", Row: 4, Column: "certname", Value: "under_score_le1"},
		{Table: "letsencrypt_ssl", Row: 6, Column: "domain_name", Value: "no domain"},
		{Table: "letsencrypt_ssl", Row: 6, Column: "time_started", Value: "yesterday"},
	}
	return checks.Snapshot{Server: "isp1", Unreadable: doubts, UnreadableN: len(doubts),
		Sites: []checks.Site{
			{Server: "isp1", ID: 1, Name: "#1"},
			{Server: "isp1", ID: 2, Name: "xn--e1afmkfd.xn--p1ai", Active: on, Secure: off},
			{Server: "isp1", ID: 3, Name: "bad name.example", Secure: on, Redirect: on, Certificate: "a b"},
			{Server: "isp1", ID: 4, Name: "\uFFFD.example", Active: on, Secure: on, Redirect: on},
		},
		Certificates: []checks.Certificate{
			{Server: "isp1", ID: 1},
			{Server: "isp1", ID: 2, Name: "b.example_le3", Domain: "b.example", Processing: on, Failed: off},
			{Server: "isp1", ID: 3, Name: "own name", Processing: off, Failed: off, Started: noon},
			{Server: "isp1", ID: 4, Name: "under_score_le1", Processing: off, Failed: off, Started: noon},
			{Server: "isp1", ID: 5, Name: "c_le2", Domain: "c.example", Processing: off, Failed: off, Started: noon},
			{Server: "isp1", ID: 6, Name: "d", Domain: "no", Processing: off, Failed: off},
		}}
}

func TestUnreadableValuesAreAllCountedAndTwentyThousandListed(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		must(t, panel.Exec(`INSERT INTO letsencrypt_ssl(certname, time_started)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20500) SELECT 'n' || i || '.example', i || '-13-01' FROM n`))
		got := read(t, r)
		if got.UnreadableN != 20500 || len(got.Unreadable) != 20000 || len(got.Certificates) != 20500 {
			t.Errorf("counted %d and listed %d of %d", got.UnreadableN, len(got.Unreadable), len(got.Certificates))
		}
	})
}

func TestAReaderOfNoISPmanagerSaysSo(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t, lab.WithoutTable("webdomain"), lab.WithoutTable("letsencrypt_ssl"))
		wantReason(t, r, ispmanager.Shape)
		must(t, panel.Exec("CREATE TABLE webdomain(name TEXT)"))
		got := read(t, r)
		if len(got.Sites) != 0 || !got.Lacks("letsencrypt_ssl", "") || got.Lacks("webdomain", "") {
			t.Errorf("afterwards: %+v", got)
		}
	})
}
