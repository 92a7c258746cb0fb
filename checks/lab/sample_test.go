package lab_test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab"

	"github.com/google/go-cmp/cmp"
)

// quiet is the sample in its initial state: below all thresholds.
var quiet = lab.Counts{Sites: 2000, Active: 1842, Processing: 14, Failed: 38, Failing: 9, Overdue: 45,
	NoCertificate: 110, NoRedirect: 200, Started: lab.Dates{Null: 2, Zero: 2, Epoch: 2, Future: 1}}

func newSample(t *testing.T, seed uint64, variants ...lab.Variant) *lab.Sample {
	t.Helper()
	sample := must[*lab.Sample](t)(lab.NewSample(t.TempDir(), noon, seed, variants...))
	t.Cleanup(func() { _ = sample.Close() })
	return sample
}

// everything returns the whole panel as text, a row a line.
func everything(t *testing.T, s *lab.Sample) string {
	var all []string
	for _, query := range []string{
		"SELECT name FROM users ORDER BY id",
		"SELECT w.id || w.name || w.name_idn || u.name || w.active || w.secure || w.redirect_http || coalesce(ssl_cert, '') FROM webdomain w JOIN users u ON u.id = w.users ORDER BY w.id",
		"SELECT webdomain || name FROM webdomain_alias ORDER BY id",
		"SELECT webdomain || value FROM webdomain_ipaddr ORDER BY id",
		"SELECT certname || processing || failed || coalesce(time_started, '') FROM letsencrypt_ssl ORDER BY id",
		"SELECT certname || status || date || coalesce(message, '') FROM letsencrypt_log ORDER BY id",
	} {
		all = append(all, rows(t, s.Panel, query)...)
	}
	return strings.Join(all, "\n")
}

func TestSampleDependsOnItsSeedOnly(t *testing.T) {
	rowsOnly := lab.WithoutFiles()
	first, again, other := newSample(t, 7, rowsOnly), newSample(t, 7, rowsOnly), newSample(t, 8, rowsOnly)
	for _, s := range []*lab.Sample{first, again, other} {
		if diff := cmp.Diff(quiet, must[lab.Counts](t)(s.Counts(noon))); diff != "" {
			t.Errorf("counts, which no seed changes (-want +got):\n%s", diff)
		}
		check(t, s.MassReissue(noon.Add(time.Hour), 50))
	}
	if everything(t, first) != everything(t, again) {
		t.Error("one seed made two panels")
	}
	if everything(t, first) == everything(t, other) {
		t.Error("two seeds made one panel")
	}
}

func TestSampleComesInAllVariantsAndSeeds(t *testing.T) {
	variants := []lab.Variant{
		lab.WithWAL(), lab.WithZone(time.UTC), lab.WithoutTable("sslcert"), lab.WithoutTable("letsencrypt_log"), lab.WithoutTable("letsencrypt_ssl"),
		lab.WithoutColumn("webdomain", "int_suspend"), lab.WithoutColumn("webdomain", "redirect_http"), lab.WithPluginColumn("webdomain", "nginx_rate_limit", 2),
	}
	for seed, variant := range variants {
		newSample(t, uint64(100+seed), lab.WithoutFiles(), variant)
	}
}

func TestSampleStory(t *testing.T) {
	sample := newSample(t, 1)
	check(t, sample.MassReissue(noon.Add(time.Minute), 149))
	counts := must[lab.Counts](t)(sample.Counts(noon.Add(time.Minute)))
	if counts.Processing != quiet.Processing+149 || counts.Failed != quiet.Failed {
		t.Errorf("after the mass re-issue %d processing, %d failed", counts.Processing, counts.Failed)
	}
	end := noon.Add(2 * time.Hour)
	check(t, sample.Settle(end, 0.9))
	counts = must[lab.Counts](t)(sample.Counts(end))
	if counts.Processing != quiet.Processing || counts.Failed != quiet.Failed+15 {
		t.Errorf("after it settled %d processing, %d failed", counts.Processing, counts.Failed)
	}
	if fresh := files(t, sample, end.Add(-time.Hour)); fresh != 134 {
		t.Errorf("%d certificates issued by the end, want 134", fresh)
	}
	if err := sample.MassReissue(end, 5000); err == nil {
		t.Error("more certificates re-issued than there are")
	}
}

// files counts the certificates on disk that are valid from a time; the zero
// time counts all that can be parsed.
func files(t *testing.T, sample *lab.Sample, from time.Time) int {
	t.Helper()
	n := 0
	for _, path := range must[[]string](t)(filepath.Glob(filepath.Join(sample.Certificates.Dir(), "*", "*.crt"))) {
		if leaf := parse(path); leaf != nil && (from.IsZero() || leaf.NotBefore.Equal(from)) {
			n++
		}
	}
	return n
}

func TestSampleIsBelievable(t *testing.T) {
	sample := newSample(t, 1)
	t.Run("rows", func(t *testing.T) { believableRows(t, sample) })
	t.Run("messages", func(t *testing.T) { everyTrouble(t, sample) })
	if n := files(t, sample, time.Time{}); n < 1700 || n > 1900 {
		t.Errorf("%d certificates on disk", n)
	}
}

func believableRows(t *testing.T, sample *lab.Sample) {
	for query, want := range map[string]struct{ low, high int }{
		"SELECT count(DISTINCT users) FROM webdomain":                                                               {55, 60},
		"SELECT count(*) FROM webdomain GROUP BY users ORDER BY 1 DESC":                                             {250, 450},
		"SELECT count(*) FROM webdomain WHERE name <> name_idn":                                                     {60, 61},
		"SELECT count(*) FROM webdomain WHERE name LIKE 'xn--%'":                                                    {20, 40},
		"SELECT count(*) FROM webdomain_alias WHERE name LIKE '*.%'":                                                {20, 60},
		"SELECT count(*) FROM webdomain_ipaddr WHERE value = '2001:db8::10'":                                        {500, 700},
		"SELECT count(*) FROM webdomain WHERE int_suspend = 'on'":                                                   {10, 60},
		"SELECT count(*) FROM webdomain WHERE secure = 'on' AND ssl_cert IS NULL":                                   {3, 3},
		"SELECT count(*) FROM letsencrypt_ssl WHERE processing = 'on' AND failed = 'on'":                            {2, 2},
		"SELECT count(*) FROM letsencrypt_ssl WHERE certname NOT IN (SELECT coalesce(ssl_cert, '') FROM webdomain)": {5, 5},
		"SELECT count(*) FROM letsencrypt_log":                                                                      {3000, 6000},
		"SELECT CAST(julianday('2026-11-21 12:00:00') - julianday(min(date)) AS INTEGER) FROM letsencrypt_log":      {58, 61},
		"SELECT count(*) FROM letsencrypt_log a JOIN letsencrypt_log b ON b.id = a.id + 1 WHERE a.date > b.date":    {0, 0},
		"SELECT count(*) FROM letsencrypt_log WHERE date > '2026-11-21 12:00:00'":                                   {0, 0},
	} {
		got := must[int](t)(strconv.Atoi(rows(t, sample.Panel, query+" LIMIT 1")[0]))
		if got < want.low || got > want.high {
			t.Errorf("%s\n gave %d, want %d to %d", query, got, want.low, want.high)
		}
	}
}

// everyTrouble requires each kind of text that the CA sends.
func everyTrouble(t *testing.T, sample *lab.Sample) {
	all := strings.Join(rows(t, sample.Panel, "SELECT message FROM letsencrypt_log WHERE message IS NOT NULL"), "\n")
	for _, pattern := range []string{
		`198\.51\.100\.\d+: Invalid response from http://\S+/\.well-known/acme-challenge/[\w-]{43}: 404`,
		`Timeout during connect \(likely firewall problem\)`,
		`DNS problem: NXDOMAIN looking up A for \S+ - check that a DNS record exists`,
		`DNS problem: SERVFAIL looking up CAA for \S+ - the domain's nameservers may be malfunctioning`,
		`CAA record for \S+ prevents issuance`,
		`too many failed authorizations \(5\) for \\?"\S+ in the last 1h0m0s, retry after 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC: see https://`,
		`too many certificates \(50\) already issued for`,
		`too many certificates \(5\) already issued for this exact set`,
		`too many new orders \(300\) from this account`,
		`/sfe/v1/unpause\?jwt=[\w-]+\.[\w-]+\.[\w-]+`,
		`During secondary validation: 203\.0\.113\.1`,
		`because it is forbidden by policy`,
		`Error creating new order`,
		`JWS has an invalid anti-replay nonce`,
		`Invalid status\. Verification error details: `,
		`"type": "urn:ietf:params:acme:error:`,
	} {
		if !regexp.MustCompile(pattern).MatchString(all) {
			t.Errorf("no message like %s", pattern)
		}
	}
	if left := regexp.MustCompile(`\{\w+\}`).FindString(all); left != "" {
		t.Errorf("%s was not filled in", left)
	}
}
