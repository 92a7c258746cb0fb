package panel

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// values writes metrics as "code": value, or why there is none.
func values(metrics []checks.Metric) map[checks.Code]any {
	out := map[checks.Code]any{}
	for _, m := range metrics {
		out[m.Code] = m.Value
		if !m.Known() {
			out[m.Code] = m.Err
		}
	}
	return out
}

func TestCounts(t *testing.T) {
	on, off, unset := checks.On, checks.Off, checks.Unset
	certificate := func(processing, failed checks.Flag) checks.Certificate {
		return checks.Certificate{Processing: processing, Failed: failed}
	}
	site := func(active, secure, redirect checks.Flag) checks.Site {
		return checks.Site{Active: active, Secure: secure, Redirect: redirect}
	}
	s := checks.Snapshot{
		Server: "isp1",
		Certificates: []checks.Certificate{
			certificate(on, off), certificate(on, on), // issued again after it was given up: both flags count
			certificate(off, on), certificate(off, off), certificate(unset, unset), certificate(unset, on), certificate(on, unset),
		},
		Sites: []checks.Site{
			site(on, on, on), site(on, off, off), site(on, off, unset), // a flag that is NULL is neither on nor off
			site(on, unset, off), site(off, off, off), site(unset, off, off),
		},
	}
	want := map[checks.Code]any{
		checks.PanelProcessing: 3, checks.PanelFailed: 3, checks.PanelFailing: 4, checks.PanelOverdue: 5,
		checks.PanelNoCertificate: 2, checks.PanelNoRedirect: 2,
	}
	if diff := cmp.Diff(want, values(Counts(s, 4, 5))); diff != "" {
		t.Error(diff)
	}
}

// A count that needs a missing table or column is not zero but unknown.
func TestCountsOfWhatIsMissing(t *testing.T) {
	all := map[checks.Code]any{
		checks.PanelProcessing: 0, checks.PanelFailed: 0, checks.PanelFailing: 7, checks.PanelOverdue: 8,
		checks.PanelNoCertificate: 0, checks.PanelNoRedirect: 0,
	}
	for _, tt := range []struct {
		missing checks.Missing
		unknown map[checks.Code]string
	}{
		{checks.Missing{Table: "letsencrypt_log"}, map[checks.Code]string{checks.PanelFailing: "missing: letsencrypt_log.certname"}},
		{checks.Missing{Table: "letsencrypt_log", Column: "date"}, map[checks.Code]string{checks.PanelFailing: "missing: letsencrypt_log.date"}},
		{checks.Missing{Table: "letsencrypt_ssl", Column: "failed"}, map[checks.Code]string{
			checks.PanelFailed: "missing: letsencrypt_ssl.failed", checks.PanelOverdue: "missing: letsencrypt_ssl.failed"}},
		{checks.Missing{Table: "webdomain", Column: "redirect_http"}, map[checks.Code]string{checks.PanelNoRedirect: "missing: webdomain.redirect_http"}},
		{checks.Missing{Table: "webdomain", Column: "active"}, map[checks.Code]string{
			checks.PanelNoCertificate: "missing: webdomain.active", checks.PanelNoRedirect: "missing: webdomain.active"}},
		{checks.Missing{Table: "webdomain", Column: "owner"}, nil},
	} {
		want := map[checks.Code]any{}
		for code, v := range all {
			want[code] = v
			if err, ok := tt.unknown[code]; ok {
				want[code] = err
			}
		}
		s := checks.Snapshot{Server: "isp1", Missing: []checks.Missing{tt.missing}}
		if diff := cmp.Diff(want, values(Counts(s, 7, 8))); diff != "" {
			t.Errorf("without %s:\n%s", tt.missing, diff)
		}
	}
}

func TestUnavailable(t *testing.T) {
	metrics := Unavailable("isp1", "locked")
	if len(metrics) != len(Counts(checks.Snapshot{}, 0, 0)) {
		t.Errorf("%d metrics", len(metrics))
	}
	for _, m := range metrics {
		if m.Known() || m.Err != "locked" || m.Server != "isp1" || m.Value != 0 {
			t.Errorf("%+v", m)
		}
	}
}
