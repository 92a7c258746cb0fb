package bot

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// SweepSummary is the last line of a sweep's JSON. ByCode counts every site
// once, ok included.
type SweepSummary struct {
	Domains int                 `json:"domains"`
	ByCode  map[checks.Code]int `json:"by_code"`
	Seconds float64             `json:"seconds"`
}

// Swept gives what is known of every site after a sweep, in the order of the
// panels, and sums it up.
func (b *Bot) Swept(ctx context.Context, l *i18n.Locale, took time.Duration, each func(CheckData) error) (SweepSummary, error) {
	sum := SweepSummary{ByCode: map[checks.Code]int{}, Seconds: took.Seconds()}
	servers, err := b.servers(ctx, time.Now())
	if err != nil {
		return sum, err
	}
	for _, s := range servers {
		bySite := s.BySite()
		for _, x := range s.Subjects {
			data := checkData(reports.Site{Server: bySite(x.Site.Name), Subject: x}, compose.Writer{Locale: l, Now: time.Now()})
			sum.Domains++
			sum.ByCode[data.Verdict.Code]++
			if err := each(data); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// Summary says a sweep's sum to a person.
func Summary(l *i18n.Locale, s SweepSummary) reports.Message {
	w := compose.Writer{Locale: l, Now: time.Now()}
	return compose.Summary(w, compose.SweepResult{Domains: s.Domains, ByCode: s.ByCode, Took: time.Duration(s.Seconds * float64(time.Second))})
}
