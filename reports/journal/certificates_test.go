package journal_test

import (
	"testing"
	"time"

	"domovoy/reports/journal"
)

func TestRenewals(t *testing.T) {
	const day = 24 * time.Hour
	// file is seen with dates in days from noon.
	file := func(from, until int) journal.FileSeen {
		return journal.FileSeen{
			Server: "isp1", Certificate: "a_le1",
			NotBefore: noon().Add(time.Duration(from) * day), NotAfter: noon().Add(time.Duration(until) * day),
		}
	}
	for name, c := range map[string]struct {
		seen []journal.FileSeen
		want []float64
	}{
		"seen once":                     {[]journal.FileSeen{file(0, 90)}, nil},
		"seen again":                    {[]journal.FileSeen{file(0, 90), file(0, 90)}, nil},
		"with a third left":             {[]journal.FileSeen{file(0, 90), file(60, 150)}, []float64{1. / 3}},
		"after it had expired":          {[]journal.FileSeen{file(0, 90), file(100, 190)}, []float64{0}},
		"newest first":                  {[]journal.FileSeen{file(0, 100), file(75, 175), file(125, 225)}, []float64{0.5, 0.25}},
		"an old one put back":           {[]journal.FileSeen{file(0, 100), file(75, 175), file(0, 100), file(75, 175)}, []float64{0.25}},
		"dates that make no lifetime":   {[]journal.FileSeen{file(10, 10), file(20, 110)}, nil},
		"at the last second, by itself": {[]journal.FileSeen{file(0, 90), file(90, 180)}, []float64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			for _, f := range c.seen {
				must(t, j.KeepFiles(t.Context(), []journal.FileSeen{f}))
			}
			same(t, "shares", got(j.Renewals(t.Context(), "isp1", 50))(t), c.want)
			same(t, "another server", len(got(j.Renewals(t.Context(), "isp2", 50))(t)), 0)
		})
	}
}
