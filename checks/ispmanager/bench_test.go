package ispmanager_test

import (
	"database/sql"
	"flag"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// logRows is small by default: filling in a million rows takes half a minute.
var logRows = flag.Int("logrows", 50_000, "rows of the issuance log in benchmarks")

// bigPanel is a panel of 10,000 sites, each with an alias, an address and a
// certificate, of 500 owners.
func bigPanel(b *testing.B) (*ispmanager.Panel, *sql.DB) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ispmgr.db")
	panel, err := lab.NewPanel(path)
	if err != nil {
		b.Fatal(err)
	}
	defer panel.Close()
	const count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) "
	for _, fill := range []struct {
		query string
		rows  int
	}{
		{"INSERT INTO users(name) SELECT 'client' || i FROM n", 500},
		{"INSERT INTO webdomain(name, name_idn, users, secure, ssl_cert) SELECT 'shop-number-' || i || '.example', 'shop-number-' || i || '.example', 1 + i % 500, 'on', 'shop-number-' || i || '.example_le1' FROM n", 10_000},
		{"INSERT INTO webdomain_alias(webdomain, name, name_idn) SELECT i, 'www.shop-number-' || i || '.example', 'www.shop-number-' || i || '.example' FROM n", 10_000},
		{"INSERT INTO webdomain_ipaddr(webdomain, value) SELECT i, '203.0.113.' || (i % 250) FROM n", 10_000},
		{"INSERT INTO letsencrypt_ssl(certname, users, domain_name, time_started) SELECT 'shop-number-' || i || '.example_le1', 1 + i % 500, 'shop-number-' || i || '.example', datetime(1790000000 + i * 60, 'unixepoch') FROM n", 10_000},
		{"INSERT INTO letsencrypt_log(certname, status, date, message) SELECT 'shop-number-' || (i % 10000) || '.example_le1', 'failed', datetime(1760000000 + i * 30, 'unixepoch'), '403 urn:ietf:params:acme:error:unauthorized: 203.0.113.7: Invalid response: 404' FROM n", *logRows},
	} {
		if err := panel.Exec(count+fill.query, fill.rows); err != nil {
			b.Fatal(err)
		}
	}
	writer, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { writer.Close() })
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: path, Zone: time.UTC})
	b.Cleanup(func() { reader.Close() })
	return reader, writer
}

// cpu is this process's CPU time: pauses between batches do not count.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func poll(b *testing.B, reader *ispmanager.Panel, wantChanged bool) {
	b.Helper()
	if _, changed, err := reader.Poll(b.Context()); err != nil || changed != wantChanged {
		b.Fatal(changed, err)
	}
}

func BenchmarkPollUnchanged(b *testing.B) {
	reader, _ := bigPanel(b)
	poll(b, reader, true)
	b.ReportAllocs()
	for b.Loop() {
		poll(b, reader, false)
	}
}

// BenchmarkPollChanged polls after one certificate changed. cpu-ns/op does not
// include the writing.
func BenchmarkPollChanged(b *testing.B) {
	pollAfter(b, "UPDATE letsencrypt_ssl SET failed = ? WHERE id = 7000")
}

// BenchmarkPollSites polls after one site changed, so that all sites are
// parsed.
func BenchmarkPollSites(b *testing.B) {
	pollAfter(b, "UPDATE webdomain SET secure = ? WHERE id = 7000")
}

func pollAfter(b *testing.B, query string) {
	reader, writer := bigPanel(b)
	poll(b, reader, true)
	b.ReportAllocs()
	var spent time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		if _, err := writer.Exec(query, [2]string{"OFF", "on"}[n%2]); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begun := cpu()
		poll(b, reader, true)
		spent += cpu() - begun
		n++
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "cpu-ns/op")
}

func BenchmarkAttempts(b *testing.B) {
	reader, _ := bigPanel(b)
	b.ReportAllocs()
	begun, n := cpu(), 0
	for b.Loop() {
		n = 0
		if err := reader.Attempts(b.Context(), 1, func(a []checks.Attempt) error { n += len(a); return nil }); err != nil || n != *logRows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64((cpu()-begun).Nanoseconds())/float64(b.N*n), "cpu-ns/row")
}
