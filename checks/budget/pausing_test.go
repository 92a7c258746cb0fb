package budget

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// TestPausingSoonest merges the names that will be paused within a week.
func TestPausingSoonest(t *testing.T) {
	in := func(site string, days int) checks.Finding {
		return checks.Finding{Site: site, Code: checks.CAPausing, Severity: checks.Info,
			Args: checks.Args{"at": noon.Add(time.Duration(days) * 24 * time.Hour), "failures": 900 + days, "lately": 50}}
	}
	for _, tt := range []struct {
		name  string
		found []checks.Finding
		want  checks.Args // nil: nothing
	}{
		{"none", []checks.Finding{{Site: "a.ru", Code: checks.CAZombie}}, nil},
		{"all are far away", []checks.Finding{in("a.ru", 8), in("b.ru", 30)}, nil},
		{"the first of two, and how many", []checks.Finding{in("a.ru", 6), in("b.ru", 2), in("c.ru", 8)},
			checks.Args{"value": 2, "at": noon.Add(48 * time.Hour), "name": "b.ru", "failures": 902, "lately": 50}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ok := pausingSoonest(tt.found, noon)
			if diff := cmp.Diff(tt.want, f.Args); diff != "" || ok != (tt.want != nil) || ok && (f.Site != "" || f.Severity != checks.Warning) {
				t.Errorf("%t %+v\n%s", ok, f, diff)
			}
		})
	}
}
