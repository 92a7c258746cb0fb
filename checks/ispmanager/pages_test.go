package ispmanager_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// Whatever is written to whichever column, a reader that compares pages with
// those of before sees it as one does that has seen nothing before.
func TestEveryWriteIsSeen(t *testing.T) {
	for name, prepare := range map[string][]string{
		"small pages":       {"PRAGMA page_size = 512", "VACUUM"},
		"large pages":       {"PRAGMA page_size = 65536", "VACUUM"},
		"pages that move":   {"PRAGMA auto_vacuum = FULL", "VACUUM"},
		"write-ahead log":   {"PRAGMA journal_mode = WAL"},
		"rows over pages":   {"DELETE FROM webdomain WHERE id > 6", "UPDATE webdomain SET docroot = hex(zeroblob(3000)), ssl_cert = 's000.example'"},
		"another encoding":  {"VACUUM"}, // see newRandomWriter
		"an id of its own":  {"ALTER TABLE webdomain_alias RENAME TO was", aliasesByIndex, "INSERT INTO webdomain_alias SELECT id, webdomain, name, name_idn FROM was"},
		"a generated value": {"ALTER TABLE letsencrypt_ssl RENAME COLUMN failed TO gave_up", "ALTER TABLE letsencrypt_ssl ADD COLUMN failed AS (iif(gave_up = 'on', 'on', 'off'))"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRandomWriter(t, prepare)
			reader := reader(t, w.path, nil)
			seen := read(t, reader)
			for range 70 {
				did := w.write()
				now, changed, err := reader.Poll(t.Context())
				must(t, err)
				if other := w.fresh(); !reflect.DeepEqual(tables(other), tables(now)) {
					t.Fatalf("after %s:\n%s", did, cmp.Diff(other, now, cmpopts.EquateComparable(netip.Addr{})))
				}
				if !changed && !reflect.DeepEqual(tables(seen), tables(now)) {
					t.Fatalf("after %s: nothing is said to have changed", did)
				}
				seen = now
			}
		})
	}
}

// aliasesByIndex is a table whose id is not the rowid, though it looks like it.
const aliasesByIndex = "CREATE TABLE webdomain_alias (id INTEGER PRIMARY KEY DESC, webdomain INTEGER, name TEXT, name_idn TEXT)"

// tables is a snapshot without what depends on when it was taken.
func tables(s checks.Snapshot) checks.Snapshot {
	s.Taken, s.Writes = time.Time{}, 0
	return s
}

// randomWriter writes to a panel's file as no panel would.
type randomWriter struct {
	*testing.T
	path string
	db   *sql.DB
	rand *rand.Rand
}

func newRandomWriter(t *testing.T, prepare []string) *randomWriter {
	t.Helper()
	w := &randomWriter{T: t, path: filepath.Join(t.TempDir(), "ispmgr.db"), rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same each time
	db, err := sql.Open("sqlite", w.path)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	db.SetMaxOpenConns(1)
	w.db = db
	if strings.HasSuffix(t.Name(), "encoding") {
		w.exec("PRAGMA encoding = 'UTF-16le'")
	}
	w.exec("PRAGMA synchronous = OFF")
	w.exec(lab.Schema())
	const rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 700) "
	w.exec("INSERT INTO users (name) VALUES ('client1'), ('client2')")
	w.exec("INSERT INTO ipaddr (name) VALUES ('203.0.113.10')")
	w.exec(rows + "INSERT INTO webdomain (name, name_idn, users, ssl_cert) SELECT 's' || i || '.example', 's' || i || '.example', 1 + i % 2, 's' || i || '.example_le1' FROM n")
	w.exec(rows + "INSERT INTO webdomain_alias (webdomain, name) SELECT i, 'www.s' || i || '.example' FROM n")
	w.exec(rows + "INSERT INTO webdomain_ipaddr (webdomain, value) SELECT i, '203.0.113.10' FROM n")
	w.exec(rows + "INSERT INTO letsencrypt_ssl (certname, users, domain_name, time_started) SELECT 's' || i || '.example_le1', 1, 's' || i || '.example', '2026-11-01 00:00:00' FROM n")
	for _, statement := range prepare {
		w.exec(statement)
	}
	return w
}

func (w *randomWriter) exec(statement string) {
	w.Helper()
	if _, err := w.db.ExecContext(w.Context(), statement); err != nil {
		w.Fatal(statement, err)
	}
}

// fresh reads the panel with a reader that has read nothing before.
func (w *randomWriter) fresh() checks.Snapshot {
	w.Helper()
	r := ispmanager.New(ispmanager.Config{Name: "isp1", Database: w.path})
	s, _, err := r.Poll(w.Context())
	must(w.T, err)
	must(w.T, r.Close())
	return s
}

// write changes something and returns what it did.
func (w *randomWriter) write() string {
	w.Helper()
	table := w.pick("users", "webdomain", "webdomain", "webdomain_alias", "webdomain_ipaddr", "ipaddr", "letsencrypt_ssl", "letsencrypt_ssl")
	row := fmt.Sprintf("id = (SELECT id FROM %s ORDER BY id LIMIT 1 OFFSET abs(random() %% (SELECT max(1, count(*)) FROM %s)))", table, table)
	var statement string
	switch n := w.rand.IntN(100); {
	case n < 75:
		column := w.pick(append(w.columns(table), "ssl_cert")...)
		if column == "ssl_cert" {
			table, row = "webdomain", strings.ReplaceAll(row, table, "webdomain")
		}
		statement = fmt.Sprintf("UPDATE OR IGNORE %s SET %s = %s WHERE %s", table, column, w.value(), row)
	case n < 82:
		statement = fmt.Sprintf("DELETE FROM %s WHERE %s", table, row)
	case n < 88:
		statement = fmt.Sprintf("UPDATE OR IGNORE %s SET id = %d WHERE %s", table, w.rand.IntN(2000)-100, row)
	case n < 96:
		statement = fmt.Sprintf("UPDATE OR IGNORE letsencrypt_ssl SET failed = %s, domain_name = domain_name || 'x' WHERE id %% %d = 3", w.value(), 2+w.rand.IntN(300))
		if strings.HasSuffix(w.Name(), "value") {
			statement = strings.Replace(statement, "failed", "gave_up", 1)
		}
	case n < 98:
		statement = "VACUUM"
	default:
		statement = fmt.Sprintf("CREATE TABLE other%d (x)", w.rand.Int())
	}
	w.exec(statement)
	return statement
}

// columns are those of a table that can be written to.
func (w *randomWriter) columns(table string) (names []string) {
	w.Helper()
	rows, err := w.db.QueryContext(w.Context(), "SELECT name FROM pragma_table_info(?) WHERE name <> 'id'", table)
	must(w.T, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(w.T, rows.Scan(&name))
		names = append(names, name)
	}
	must(w.T, rows.Err())
	return names
}

// value is one of any kind and length.
func (w *randomWriter) value() string {
	switch w.rand.IntN(8) {
	case 0:
		return fmt.Sprint(w.rand.IntN(800))
	case 1:
		return fmt.Sprintf("'%s'", strings.Repeat("long", w.rand.IntN(3000))) // longer than a page
	case 2:
		return "x'00ff1e1f'"
	case 3:
		return fmt.Sprintf("'2026-11-%02d 10:00:00'", 1+w.rand.IntN(30))
	case 4:
		return fmt.Sprint(w.rand.Float64())
	case 5:
		return "'on'"
	}
	return fmt.Sprintf("'s%03d.example'", w.rand.IntN(800)) // all are of one length
}

func (w *randomWriter) pick(of ...string) string { return of[w.rand.IntN(len(of))] }
