package ispmanager_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// manyCertificates fills a panel with as many rows as make several ranges, and
// reads it until its ranges are known.
func manyCertificates(t *testing.T) (*lab.Panel, *ispmanager.Panel) {
	t.Helper()
	panel, r := mysqlPanel(t)
	furnish(t, panel)
	var rows []string
	for id := 101; id <= 2500; id++ {
		rows = append(rows, fmt.Sprintf("(%d, 'c%d.example_le1', 1, 'c%d.example', 'off', 'off', '2026-11-01 10:00:00')", id, id, id))
	}
	must(t, panel.Exec("INSERT INTO letsencrypt_ssl (id, certname, users, domain_name, processing, failed, time_started) VALUES "+strings.Join(rows, ", ")))
	for range 2 {
		read(t, r)
	}
	return panel, r
}

// Whatever is written to a table in MariaDB, a reader that compares digests with
// those of before sees it as one does that has seen nothing before.
func TestEveryWriteToAServerIsSeen(t *testing.T) {
	panel, r := manyCertificates(t)
	for _, statement := range []string{
		"UPDATE letsencrypt_ssl SET failed = 'on' WHERE id IN (300, 301)", // the same change in two rows
		"UPDATE letsencrypt_ssl SET failed = if(id = 300, 'off', 'on') WHERE id IN (300, 302)",
		"UPDATE letsencrypt_ssl SET domain_name = upper(domain_name) WHERE id = 900", // equal to a collation
		"UPDATE letsencrypt_ssl SET domain_name = '' WHERE id = 900",
		"UPDATE letsencrypt_ssl SET domain_name = NULL WHERE id = 900",
		"UPDATE letsencrypt_ssl SET domain_name = 'N' WHERE id = 900",
		"UPDATE letsencrypt_ssl SET certname = domain_name, domain_name = certname WHERE id = 1500",
		"UPDATE letsencrypt_ssl SET time_started = time_started + INTERVAL 1 SECOND WHERE id BETWEEN 600 AND 1400",
		"DELETE FROM letsencrypt_ssl WHERE id = 2500",
		"DELETE FROM letsencrypt_ssl WHERE id BETWEEN 650 AND 1900",
		"UPDATE letsencrypt_ssl SET processing = 'on' WHERE id = 1901",
		"INSERT INTO letsencrypt_ssl (id, certname) VALUES (1000, 'between.example_le1')",
		"INSERT INTO letsencrypt_ssl (certname, domain_name) SELECT concat('new', id), domain_name FROM letsencrypt_ssl", // the last range grows
		"UPDATE letsencrypt_ssl SET failed = 'on' WHERE id > 3000",
		"UPDATE letsencrypt_ssl SET id = id + 100000 WHERE id = 2000",
		"UPDATE webdomain SET secure = 'off' WHERE id = 1",
		"DELETE FROM letsencrypt_ssl",
		"INSERT INTO letsencrypt_ssl (certname) VALUES ('again.example_le1')",
	} {
		must(t, panel.Exec(statement))
		got, changed, err := r.Poll(t.Context())
		must(t, err)
		if !changed {
			t.Errorf("after %s: nothing is said to have changed", statement)
		}
		other := backend{server: mariaDB(t)}.reader(t, panel)
		want := read(t, other)
		must(t, other.Close())
		if !reflect.DeepEqual(tables(want), tables(got)) {
			t.Fatalf("after %s:\n%s", statement, cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})))
		}
	}
}

// Of a table that was written to, only the rows near the change cross the wire.
func TestOfAServerOnlyChangedRangesAreRead(t *testing.T) {
	panel, r := manyCertificates(t)
	server := mariaDB(t)
	must(t, panel.Exec("UPDATE letsencrypt_ssl SET failed = 'on' WHERE id = 1700"))
	before, err := server.Log()
	must(t, err)
	read(t, r)
	after, err := server.Log()
	must(t, err)
	digests, readings := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(after, before)) {
		switch {
		case !strings.Contains(line, "FROM `letsencrypt_ssl`"):
		case strings.Contains(line, "crc32"):
			digests++
		default:
			readings++
		}
	}
	if digests < 4 || readings != 1 {
		t.Errorf("%d digests, and rows were read %d times", digests, readings)
	}
}
