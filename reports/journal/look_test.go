package journal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports/journal"
)

func TestLooks(t *testing.T) {
	j := open(t)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	first := journal.Look{Server: "isp1", Site: "a.ru", At: at, Served: checks.Validity{NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour)}, Findings: []checks.Finding{{
		Check: "dns", Server: "isp1", Site: "a.ru", Code: checks.CADNS, Severity: checks.Warning,
		Args: checks.Args{"addresses": []string{"198.51.100.7"}, "n": 3, "until": at}}}}
	later := journal.Look{Server: "isp1", Site: "a.ru", At: at.Add(time.Hour), Failures: []checks.Failure{{Check: "dns", Server: "isp1", Site: "a.ru", Err: "timeout"}}}
	other := journal.Look{Server: "isp2", Site: "b.ru", At: at}
	for _, l := range []journal.Look{first, other} {
		if err := j.KeepLooks(t.Context(), []journal.Look{l}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := j.Looks(t.Context(), "isp1")
	if diff := cmp.Diff(map[string]journal.Look{"a.ru": first}, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if err := j.KeepLooks(t.Context(), []journal.Look{later}); err != nil {
		t.Fatal(err)
	}
	if got, err = j.Looks(t.Context(), "isp1"); err != nil || !got["a.ru"].At.Equal(later.At) || len(got["a.ru"].Findings) != 0 || len(got["a.ru"].Failures) != 1 {
		t.Errorf("the newer look does not replace the older: %+v, %v", got, err)
	}
	if err := j.ForgetLooks(t.Context(), "isp1", at.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, _ = j.Looks(t.Context(), "isp1"); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}
