package lab_test

import (
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("MSK", 3*60*60))

func newPanel(t *testing.T, variants ...lab.Variant) *lab.Panel {
	t.Helper()
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"), variants...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = panel.Close() })
	return panel
}

// rows queries the panel by its path, as other programs do. One column, values
// as text.
func rows(t *testing.T, panel *lab.Panel, query string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+panel.Path()+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	var values []string
	for found.Next() {
		var value string
		if err := found.Scan(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSchemaLoadsInTheSystemSQLite(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the program sqlite3 is not installed: the schema was tried in our driver only")
	}
	file := filepath.Join(t.TempDir(), "ispmgr.db")
	load := exec.CommandContext(t.Context(), program, "-bail", file)
	load.Stdin = strings.NewReader(lab.Schema() + "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%';\n")
	answer, err := load.CombinedOutput()
	if err != nil || strings.TrimSpace(string(answer)) != "8" {
		t.Errorf("loading the schema: %v, answered %q, want 8 tables", err, answer)
	}
}

func TestPanelHasTheSchemaOfTheFile(t *testing.T) {
	const columns = "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m, pragma_table_info(m.name) c ORDER BY m.name, c.cid"
	whole, empty := newPanel(t), newPanel(t, lab.WithoutTable("users"), lab.WithoutTable("webdomain"), lab.WithoutTable("webdomain_alias"),
		lab.WithoutTable("webdomain_ipaddr"), lab.WithoutTable("ipaddr"), lab.WithoutTable("letsencrypt_ssl"),
		lab.WithoutTable("letsencrypt_log"), lab.WithoutTable("sslcert"))
	check(t, empty.Exec(lab.Schema()))
	want := rows(t, empty, columns)
	if len(want) < 50 {
		t.Fatalf("the schema has only %d columns", len(want))
	}
	if diff := cmp.Diff(want, rows(t, whole, columns)); diff != "" {
		t.Errorf("columns of a panel against the schema (-schema +panel):\n%s", diff)
	}
}

func TestVariants(t *testing.T) {
	const columns = "SELECT group_concat(name) FROM pragma_table_info('webdomain')"
	const common = "id,name,name_idn,users,docroot,active,secure,ssl_cert,"
	const rest = "email,dirindex,int_suspend,autosubdomain,php_mode,ssl_port,hsts"
	tests := map[string]struct {
		variant     lab.Variant
		query, want string
	}{
		"journal as SQLite has it": {nil, "PRAGMA journal_mode", "delete"},
		"write-ahead log":          {lab.WithWAL(), "PRAGMA journal_mode", "wal"},
		"without table":            {lab.WithoutTable("letsencrypt_log"), "SELECT count(*) FROM sqlite_master WHERE name = 'letsencrypt_log'", "0"},
		"without column":           {lab.WithoutColumn("webdomain", "redirect_http"), columns, common + rest},
		"plugin's column":          {lab.WithPluginColumn("webdomain", "nginx_rate_limit", 8), columns, common + "nginx_rate_limit,redirect_http," + rest},
		"dates in UTC":             {nil, "SELECT date || '' FROM letsencrypt_log", "2026-11-21 09:00:00"},
		"dates in the zone":        {lab.WithZone(noon.Location()), "SELECT date || '' FROM letsencrypt_log", "2026-11-21 12:00:00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var variants []lab.Variant
			if test.variant != nil {
				variants = append(variants, test.variant)
			}
			panel := newPanel(t, variants...)
			// Writing works whatever is missing.
			must[int64](t)(panel.AddSite(lab.Site{Name: "a.example", Aliases: []string{"www.a.example"}, Active: true, Certificate: "a.example_le1"}))
			must[int64](t)(panel.AddCertificate(lab.Certificate{Name: "a.example_le1", Started: noon}))
			must[int64](t)(panel.AddAttempt(lab.Attempt{Certificate: "a.example_le1", Status: lab.StatusFailed, At: noon}))
			if got := rows(t, panel, test.query); !cmp.Equal(got, []string{test.want}) {
				t.Errorf("%s\n got %q\nwant %q", test.query, got, test.want)
			}
		})
	}
}

func TestVariantsRefuseWhatIsNotThere(t *testing.T) {
	for name, variant := range map[string]lab.Variant{
		"table":    lab.WithoutTable("letsencrypt"),
		"column":   lab.WithoutColumn("webdomain", "https"),
		"position": lab.WithPluginColumn("webdomain", "nginx_rate_limit", 99),
	} {
		if _, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"), variant); err == nil {
			t.Errorf("a mistyped %s was taken", name)
		}
	}
}

func TestRowsAreAsThePanelWritesThem(t *testing.T) {
	panel := newPanel(t)
	must[int64](t)(panel.AddSite(lab.Site{Name: "пример.рф", Owner: "client17", Aliases: []string{"*.пример.рф"},
		Addresses: []string{"203.0.113.10", "2001:db8::10"}, Active: true, Secure: true}))
	must[int64](t)(panel.AddSite(lab.Site{Name: "xn--d1aqf.xn--p1ai", NameIDN: "дом.рф"}))
	must[int64](t)(panel.AddCertificate(lab.Certificate{Name: "x_le1", StartedText: "0000-00-00 00:00:00", Failed: true}))
	must[int64](t)(panel.AddCertificate(lab.Certificate{Name: "y_le1"}))

	check(t, panel.SetProcessing(true, noon, "x_le1", "y_le1"))
	check(t, panel.SetProcessing(false, time.Time{}, "y_le1"))
	check(t, panel.SetFailed(false, "x_le1"))
	check(t, panel.SuspendOwner("client17"))

	for query, want := range map[string][]string{
		"SELECT name || ' ' || name_idn || ' ' || active || ' ' || secure || ' ' || int_suspend || ' ' || coalesce(ssl_cert, 'NULL') FROM webdomain": {
			"пример.рф xn--e1afmkfd.xn--p1ai on on on NULL", "xn--d1aqf.xn--p1ai дом.рф off off off NULL"},
		"SELECT name || ' ' || name_idn FROM webdomain_alias": {"*.пример.рф *.xn--e1afmkfd.xn--p1ai"},
		"SELECT value FROM webdomain_ipaddr":                  {"203.0.113.10", "2001:db8::10"},
		"SELECT name || ' ' || active FROM users":             {"client17 off", "www-root on"},
		"SELECT certname || ' ' || processing || ' ' || failed || ' ' || time_started FROM letsencrypt_ssl": {
			"x_le1 on off 2026-11-21 09:00:00", "y_le1 off off 2026-11-21 09:00:00"},
	} {
		if diff := cmp.Diff(want, rows(t, panel, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}

	check(t, panel.RemoveSite("пример.рф"))
	check(t, panel.RemoveCertificate("y_le1"))
	counts := must[lab.Counts](t)(panel.Counts(noon))
	if diff := cmp.Diff(lab.Counts{Sites: 1, Processing: 1}, counts); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if left := rows(t, panel, "SELECT name FROM webdomain_alias UNION SELECT value FROM webdomain_ipaddr"); left != nil {
		t.Errorf("a removed site left %q behind", left)
	}
}

func TestChangesNeedTheirRow(t *testing.T) {
	panel := newPanel(t)
	for what, err := range map[string]error{
		"certificate": panel.SetProcessing(true, noon, "nobody_le1"),
		"site":        panel.RemoveSite("nobody.example"),
		"owner":       panel.SuspendOwner("nobody"),
	} {
		if err == nil {
			t.Errorf("changing a %s that is not there was no error", what)
		}
	}
}

func TestLockKeepsReadersOut(t *testing.T) {
	panel := newPanel(t)
	db := must[*sql.DB](t)(sql.Open("sqlite", "file:"+panel.Path()+"?mode=ro"))
	defer db.Close()
	var n int
	read := func() error { return db.QueryRowContext(t.Context(), "SELECT count(*) FROM webdomain").Scan(&n) }

	check(t, read())
	unlock := must[func() error](t)(panel.Lock())
	if err := read(); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("reading a locked panel gave %v", err)
	}
	check(t, unlock())
	check(t, read())
}

func TestCountsLookAtTheEdges(t *testing.T) {
	panel := newPanel(t, lab.WithZone(noon.Location()))
	const day = 24 * time.Hour
	for i, age := range []time.Duration{82 * day, 83*day - time.Second, 83 * day, 91 * day, -day} {
		must[int64](t)(panel.AddCertificate(lab.Certificate{Name: fmt.Sprintf("s%d_le1", i), Started: noon.Add(-age)}))
	}
	for i, text := range []string{"0000-00-00 00:00:00", "1763700000", "yesterday"} {
		must[int64](t)(panel.AddCertificate(lab.Certificate{Name: fmt.Sprintf("t%d_le1", i), StartedText: text}))
	}
	must[int64](t)(panel.AddCertificate(lab.Certificate{Name: "null_le1"}))
	must[int64](t)(panel.AddCertificate(lab.Certificate{Name: "late_le1", Started: noon.Add(-99 * day), Failed: true}))
	for name, ages := range map[string][]time.Duration{
		"twice":  {4 * time.Hour, time.Minute},
		"once":   {4*time.Hour + time.Second, time.Minute},
		"before": {5 * time.Hour, 6 * time.Hour},
	} {
		for _, age := range ages {
			must[int64](t)(panel.AddAttempt(lab.Attempt{Certificate: name, Status: lab.StatusFailed, At: noon.Add(-age)}))
			must[int64](t)(panel.AddAttempt(lab.Attempt{Certificate: name, Status: lab.StatusOK, At: noon.Add(-age)}))
		}
	}
	want := lab.Counts{Failed: 1, Failing: 1, Overdue: 2, Started: lab.Dates{Null: 1, Zero: 1, Epoch: 1, Other: 1, Future: 1}}
	if diff := cmp.Diff(want, must[lab.Counts](t)(panel.Counts(noon))); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func BenchmarkPanel(b *testing.B) {
	for b.Loop() {
		panel, err := lab.NewPanel(filepath.Join(b.TempDir(), "ispmgr.db"))
		if err != nil {
			b.Fatal(err)
		}
		err = panel.Transaction(func() error {
			for i := range 2000 {
				if _, err := panel.AddSite(lab.Site{Name: fmt.Sprintf("s%d.example", i), Aliases: []string{"www"}, Addresses: []string{"203.0.113.10"}}); err != nil {
					return err
				}
			}
			for i := range 20000 {
				if _, err := panel.AddAttempt(lab.Attempt{Certificate: fmt.Sprintf("s%d.example_le1", i%2000), Status: lab.StatusFailed, At: noon}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := panel.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
