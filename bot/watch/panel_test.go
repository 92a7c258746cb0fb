package watch

import (
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

func TestWhatWasNotRecordedStaysDirty(t *testing.T) {
	p := newPanel(Source{})
	p.server.Trouble = ""
	p.MarkDirty([]string{"a.example"}, false)
	if _, n := p.TakeDirty(); !n.sites["a.example"] || n.all {
		t.Errorf("dirty = %+v, want a.example", n)
	}
	if _, n := p.TakeDirty(); len(n.sites) > 0 || n.all {
		t.Errorf("dirty = %+v when all was taken", n)
	}
	p.MarkDirty(nil, true)
	p.MarkDirty([]string{"b.example"}, false)
	if _, n := p.TakeDirty(); !n.all {
		t.Errorf("dirty = %+v, want all", n)
	}
	p.server.Trouble = "locked"
	p.MarkDirty([]string{"c.example"}, false)
	p.TakeDirty()
	p.server.Trouble = ""
	if _, n := p.TakeDirty(); !n.sites["c.example"] {
		t.Errorf("dirty = %+v: what came before a reading that failed is lost", n)
	}
	s := reports.Server{Name: "isp1", Outcome: checks.Outcome{Findings: []checks.Finding{{Site: "c.example"}, {Site: "d.example"}, {}}}}
	kept, _ := Dirty{sites: map[string]bool{"c.example": true}}.Narrow(s, nil)
	if len(kept.Outcome.Findings) != 2 || len(s.Outcome.Findings) != 3 {
		t.Errorf("narrowed to %d findings of %d, want 2 of 3", len(kept.Outcome.Findings), len(s.Outcome.Findings))
	}
}
