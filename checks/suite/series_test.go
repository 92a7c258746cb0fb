package suite_test

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/suite"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// looking returns a check that records the sites it is run on, has one finding
// for even ones and fails for every third.
func looking(at *[]string) []checks.Check {
	return []checks.Check{{Name: "looking", Scope: checks.ScopeSite, Run: func(_ context.Context, s *checks.Target) ([]checks.Finding, error) {
		*at = append(*at, s.Site.Name)
		if s.Site.ID%3 == 0 {
			return nil, errors.New("dark")
		}
		if s.Site.ID%2 == 0 {
			return []checks.Finding{{Code: checks.CertMissing}}, nil
		}
		return nil, nil
	}}}
}

func sites(n int) []checks.Subject {
	out := make([]checks.Subject, n)
	for i := range out {
		out[i].Site = &checks.Site{ID: int64(i), Name: "s" + strconv.Itoa(i)}
	}
	return out
}

// change returns copies of the subjects, as a new reading does, with one
// changed.
func change(subjects []checks.Subject, i int, how func(*checks.Subject)) []checks.Subject {
	out := append([]checks.Subject(nil), subjects...)
	for i := range out {
		if c := out[i].Certificate; c != nil {
			again := *c
			out[i].Certificate = &again
		}
	}
	how(&out[i])
	return out
}

func TestSeriesLooksAgainAtWhatChanged(t *testing.T) {
	base := sites(12)
	base[4].Certificate = &checks.Certificate{Name: "s4_le1"}
	cases := map[string]struct {
		now  []checks.Subject
		want []string
	}{
		"nothing":             {change(base, 0, func(*checks.Subject) {}), nil},
		"a certificate's row": {change(base, 4, func(s *checks.Subject) { s.Certificate.Processing = checks.On }), []string{"s4"}},
		"an attempt":          {change(base, 5, func(s *checks.Subject) { s.History = &checks.History{} }), []string{"s5"}},
		"a file":              {change(base, 6, func(s *checks.Subject) { s.File = &checks.CertificateFile{NotAfter: time.Unix(1, 0)} }), []string{"s6"}},
		"no file any more":    {change(base, 7, func(s *checks.Subject) { s.FileErr = errors.New("gone") }), []string{"s7"}},
		"a new site":          {append(change(base, 0, func(*checks.Subject) {}), checks.Subject{Site: &checks.Site{ID: 99, Name: "new"}}), []string{"new"}},
		"the last is gone":    {base[:11], nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var looked []string
			var series suite.Series
			series.Run(t.Context(), looking(&looked), "isp1", base, now)
			looked = nil
			got := series.Run(t.Context(), looking(&looked), "isp1", c.now, now)
			if !cmp.Equal(looked, c.want) {
				t.Errorf("looked at %v, want %v", looked, c.want)
			}
			if !cmp.Equal(series.Looked(), c.want) {
				t.Errorf("Looked() = %v, want %v", series.Looked(), c.want)
			}
			want := new(suite.Series).Run(t.Context(), looking(new([]string)), "isp1", c.now, now)
			if d := cmp.Diff(want.Findings, got.Findings) + cmp.Diff(want.Failures, got.Failures); d != "" {
				t.Errorf("not what looking at all of them finds: %s", d)
			}
		})
	}
}

func TestASeriesFromItsStartLooksAtAll(t *testing.T) {
	var looked []string
	var series suite.Series
	series.Run(t.Context(), looking(&looked), "isp1", sites(5), now)
	series.RunAll(t.Context(), looking(&looked), "isp1", sites(5), now)
	if len(looked) != 10 {
		t.Errorf("looked at %d sites, want five twice", len(looked))
	}
}

// TestSeriesSeesEveryField fails for a field of Subject, or of its Site, that
// is not compared.
func TestSeriesSeesEveryField(t *testing.T) {
	for _, of := range []func(*checks.Subject) reflect.Value{
		func(s *checks.Subject) reflect.Value { return reflect.ValueOf(s).Elem() },
		func(s *checks.Subject) reflect.Value { return reflect.ValueOf(s.Site).Elem() },
	} {
		fields := of(&checks.Subject{Site: &checks.Site{}}).Type()
		for i := range fields.NumField() {
			if fields.Field(i).Name == "Site" {
				continue // compared field by field
			}
			t.Run(fields.Name()+"."+fields.Field(i).Name, func(t *testing.T) {
				var looked []string
				var series suite.Series
				series.Run(t.Context(), looking(&looked), "isp1", sites(1), now)
				looked = nil
				other := sites(1)
				set(t, of(&other[0]).Field(i))
				series.Run(t.Context(), looking(&looked), "isp1", other, now)
				if len(looked) != 1 {
					t.Error("a change of it goes unseen")
				}
			})
		}
	}
}

func set(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case []netip.Addr:
		v.Set(reflect.ValueOf([]netip.Addr{netip.MustParseAddr("203.0.113.10")}))
		return
	case []string:
		v.Set(reflect.ValueOf([]string{"www.a.example"}))
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case v.Type() == reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(errors.New("gone")))
	case v.Kind() == reflect.String:
		v.SetString("other")
	case v.CanInt():
		v.SetInt(1)
	default:
		t.Fatalf("do not know how to change a %s", v.Type())
	}
}
