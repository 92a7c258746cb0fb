package journal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

func TestProbes(t *testing.T) {
	j := open(t)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	first := checks.Probe{At: at, Own: "ns1.hosting.ru", Alone: "fra1", Served: checks.Validity{NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour)}, Findings: []checks.Finding{{
		Check: "dns", Server: "isp1", Site: "a.ru", Code: checks.CADNS, Severity: checks.Warning,
		Args: checks.Args{"addresses": []string{"198.51.100.7"}, "n": 3, "until": at}}}}
	later := checks.Probe{At: at.Add(time.Hour), Failures: []checks.Failure{{Check: "dns", Server: "isp1", Site: "a.ru", Err: "timeout"}}}
	other := checks.Probe{At: at}
	must(t, j.KeepProbes(t.Context(), "isp1", map[string]checks.Probe{"a.ru": first}))
	must(t, j.KeepProbes(t.Context(), "isp2", map[string]checks.Probe{"b.ru": other}))
	got, err := j.Probes(t.Context(), "isp1")
	if diff := cmp.Diff(map[string]checks.Probe{"a.ru": first}, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if err := j.KeepProbes(t.Context(), "isp1", map[string]checks.Probe{"a.ru": later}); err != nil {
		t.Fatal(err)
	}
	if got, err = j.Probes(t.Context(), "isp1"); err != nil || !got["a.ru"].At.Equal(later.At) || len(got["a.ru"].Findings) != 0 || len(got["a.ru"].Failures) != 1 {
		t.Errorf("the newer probe does not replace the older: %+v, %v", got, err)
	}
	if err := j.ForgetProbes(t.Context(), "isp1", at.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, _ = j.Probes(t.Context(), "isp1"); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}
