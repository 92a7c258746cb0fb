package reports

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

func TestLevel(t *testing.T) {
	both := Threshold{Warn: 60, Critical: 100}
	tests := []struct {
		name      string
		threshold Threshold
		values    []int // in sequence
		want      []checks.Severity
	}{
		{"enters at the threshold itself", both, []int{59, 60, 99, 100}, levels("ok warning warning critical")},
		{"leaves a tenth below", both, []int{100, 91, 90, 89}, levels("critical critical critical warning")},
		{"the warning too", both, []int{60, 54, 53}, levels("warning warning ok")},
		{"trembling around it speaks once", both, []int{100, 99, 100, 95, 101, 92}, levels("critical critical critical critical critical critical")},
		{"coming from below, a tenth less is nothing", both, []int{54, 59, 90, 99}, levels("ok ok warning warning")},
		{"falls through both at once", both, []int{200, 0}, levels("critical ok")},
		{"no warning level", Threshold{Critical: 21}, []int{20, 21, 19, 18}, levels("ok critical critical ok")},
		{"no critical level", Threshold{Warn: 10}, []int{1000, 9, 8}, levels("warning warning ok")},
		{"a threshold of one is left at zero", Threshold{Critical: 1}, []int{1, 1, 0}, levels("critical critical ok")},
		{"a threshold of two is left at zero", Threshold{Critical: 2}, []int{2, 1, 0}, levels("critical critical ok")},
		{"no threshold at all", Threshold{}, []int{0, 1, 1_000_000}, levels("ok ok ok")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []checks.Severity
			was := checks.Healthy
			for _, v := range tt.values {
				was = tt.threshold.Level(v, was)
				got = append(got, was)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v over %+v = %v, want %v", tt.values, tt.threshold, got, tt.want)
			}
		})
	}
}

func levels(words string) []checks.Severity {
	var out []checks.Severity
	for _, word := range fields(words) {
		var s checks.Severity
		if err := s.UnmarshalText([]byte(word)); err != nil {
			panic(err)
		}
		out = append(out, s)
	}
	return out
}

func TestAlarm(t *testing.T) {
	for _, tt := range []struct {
		threshold Threshold
		want      int
	}{{Threshold{60, 100}, 100}, {Threshold{Warn: 60}, 60}, {Threshold{}, 0}} {
		if got := tt.threshold.Alarm(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.threshold, got, tt.want)
		}
	}
}

func TestMeasure(t *testing.T) {
	p := Policy{Thresholds: map[checks.Code]Threshold{
		checks.PanelProcessing: {Warn: 60, Critical: 100},
		checks.PanelFailed:     {Critical: 50},
		checks.PanelOverdue:    {Critical: 10},
	}}
	metric := func(code checks.Code, value int, err string) checks.Metric {
		return checks.Metric{Server: "isp1", Code: code, Value: value, Err: err}
	}
	open := []Incident{
		{Finding: count(checks.PanelProcessing, checks.Critical, 120)},
		{Finding: checks.Finding{Server: "isp2", Code: checks.PanelFailed, Severity: checks.Critical}},
	}
	findings, failures := p.Measure([]checks.Metric{
		metric(checks.PanelProcessing, 93, ""),              // kept, because it was critical
		metric(checks.PanelFailed, 47, ""),                  // another server's incident does not keep this one
		metric(checks.PanelOverdue, 0, "missing: t.column"), // unknown is not zero
		metric(checks.PanelNoRedirect, 9999, ""),            // no threshold is configured
	}, open)

	want := []checks.Finding{{Check: "counts.panel.processing", Server: "isp1", Code: checks.PanelProcessing,
		Severity: checks.Critical, Args: checks.Args{"value": 93, "threshold": 100}}}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Error(diff)
	}
	failed := []checks.Failure{{Check: "counts.panel.overdue", Server: "isp1", Err: "missing: t.column"}}
	if diff := cmp.Diff(failed, failures); diff != "" {
		t.Error(diff)
	}
}

// A count that is not available must leave its incident unchanged.
func TestUnknownCountResolvesNothing(t *testing.T) {
	p := Policy{Thresholds: map[checks.Code]Threshold{checks.PanelOverdue: {Critical: 10}}, ResolveAfter: 1}
	open := []Incident{{ID: 1, Finding: count(checks.PanelOverdue, checks.Critical, 12), Problem: 1, Worst: checks.Critical}}
	m := checks.Metric{Server: "isp1", Code: checks.PanelOverdue, Err: "locked"}
	findings, failures := p.Measure([]checks.Metric{m}, open)
	out := checks.Outcome{Server: "isp1", Checks: []string{"counts.panel.overdue"}, Findings: findings, Failures: failures}
	if changes := p.Reconcile(noon, open, out, begins(false)); len(changes) > 0 {
		t.Errorf("%+v", changes)
	}
	if key := p.Key(m); key != open[0].Finding.Key() {
		t.Errorf("Key %q, the incident's %q", key, open[0].Finding.Key())
	}
}
