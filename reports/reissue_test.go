package reports_test

import (
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
)

// A name for which the CA never issues is not re-issued, and nothing has to be
// looked up for that.
func TestANameThatTheCARefusesIsNotReissued(t *testing.T) {
	var subjects []checks.Subject
	for _, s := range []checks.Site{
		{Name: "shop.ru"},
		{Name: "my_shop.ru"},
		{Name: "crm.local"},
		{Name: "client.ru", Aliases: []string{"www.client.ru", "old_shop.client.ru"}},
	} {
		s.Server, s.Active, s.Secure, s.Certificate = "isp1", checks.On, checks.On, s.Name+"_le1"
		subjects = append(subjects, checks.Subject{Site: &s})
	}
	out := new(suite.Series).Run(t.Context(), []checks.Check{panel.Policy()}, "isp1", subjects, time.Now())
	plan := reports.Reissuable(reports.Server{Name: "isp1", Subjects: subjects, Outcome: out}, reports.Filter{})
	if len(plan.Pass) != 1 || plan.Pass[0].Name != "shop.ru" || plan.Causes[checks.CARejected] != 3 {
		t.Errorf("would pass: %+v; would not: %v", plan.Pass, plan.Causes)
	}
}
