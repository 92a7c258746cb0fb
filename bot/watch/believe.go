package watch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/reports/journal"
)

// believeAfter is how long a panel must stay as it is until it is believed that
// it lost most of its data, or is another: longer than most maintenance takes,
// and shorter than a working day. A person may say so earlier: see Believe.
const believeAfter = 6 * time.Hour

// rememberPace is how often a reading is remembered: what is older than that is
// still a good measure for the next one.
const rememberPace = time.Minute

// Doubted is the error of a panel that was read, and whose data cannot be right.
type Doubted struct{ panel.Doubt }

// Error returns what is wrong with it, for logs.
func (e Doubted) Error() string {
	if e.Table != "" {
		return fmt.Sprintf("%s had %d rows and has %d", e.Table, e.Was, e.Is)
	}
	return fmt.Sprintf("the panel’s data is of another time or place: %d before, %d now", e.Was, e.Is)
}

// Why returns the reason as a word of the catalogs, under "trouble.".
func (e Doubted) Why() string { return e.Reason }

// believe compares a reading with what is remembered of the panel, and remembers
// it. A reading that can only come from a loss is a Doubted, until it has
// stayed so for long.
func (w *Watch) believe(ctx context.Context, p *Panel, s checks.Snapshot, now time.Time) error {
	kept, known, err := w.journal.PanelMemory(ctx, p.Name)
	if err != nil {
		return err
	}
	newest, err := p.Reader.Newest(ctx)
	if err != nil {
		return err
	}
	p.last.newest = newest
	is, was := p.last.sampler.MemoryOf(s, newest), panel.Memory{}
	if !known {
		return w.remember(ctx, p, journal.PanelMemory{At: now}, is)
	}
	if err := json.Unmarshal(kept.Memory, &was); err != nil {
		return fmt.Errorf("what is remembered of the panel: %w", err)
	}
	doubt, err := w.doubt(ctx, p, was, is)
	if err != nil {
		return err
	}
	if doubt.Reason != "" {
		return w.doubted(ctx, p, kept, is, doubt, now)
	}
	p.last.believed = kept.Believed
	w.noteLost(ctx, p, was.Lost(is))
	if kept.Doubt == "" && now.Sub(kept.At) < rememberPace && len(was.Missing) == len(was.Next(is).Missing) {
		return nil
	}
	return w.remember(ctx, p, journal.PanelMemory{At: now, Believed: kept.Believed}, was.Next(is))
}

func (w *Watch) doubt(ctx context.Context, p *Panel, was, is panel.Memory) (panel.Doubt, error) {
	owners := 0
	if is.Row < was.Row {
		names, err := w.journal.OwnersBetween(ctx, p.Name, is.Row, was.Row)
		if err != nil {
			return panel.Doubt{}, err
		}
		owners = is.Certificates(names)
	}
	return was.Doubt(is, owners), nil
}

// doubted decides about a reading that is in doubt. The time runs from when the
// panel was first seen as it is now.
func (w *Watch) doubted(ctx context.Context, p *Panel, kept journal.PanelMemory, is panel.Memory, doubt panel.Doubt, now time.Time) error {
	var other panel.Memory
	same := false
	if len(kept.Other) > 0 {
		if err := json.Unmarshal(kept.Other, &other); err != nil {
			return fmt.Errorf("what is remembered of the panel: %w", err)
		}
		again, err := w.doubt(ctx, p, other, is)
		if err != nil {
			return err
		}
		same = again.Reason == ""
	}
	if same && now.Sub(kept.Doubted) >= believeAfter {
		w.log.WarnContext(ctx, "the panel has stayed as it is, it is believed now", "panel", p.Name, "reason", doubt.Reason, "since", kept.Doubted)
		p.last.believed = now
		return w.remember(ctx, p, journal.PanelMemory{At: now, Believed: now}, is)
	}
	if kept.Doubt != doubt.Reason || !same {
		kept.Doubt, kept.Other = doubt.Reason, encode(is)
		if !same || kept.Doubted.IsZero() {
			kept.Doubted = now
		}
		if err := w.journal.KeepPanelMemory(ctx, p.Name, kept); err != nil {
			return err
		}
	}
	return Doubted{doubt}
}

func (w *Watch) remember(ctx context.Context, p *Panel, m journal.PanelMemory, is panel.Memory) error {
	m.Memory = encode(is)
	return w.journal.KeepPanelMemory(ctx, p.Name, m)
}

func encode(m panel.Memory) json.RawMessage {
	text, _ := json.Marshal(m) // plain values always marshal
	return text
}

// noteLost logs what the panel had and lacks, and what is back, once each.
func (w *Watch) noteLost(ctx context.Context, p *Panel, lost []checks.Missing) {
	for _, x := range lost {
		if !slices.Contains(p.last.lost, x) {
			w.log.WarnContext(ctx, "the panel lost a table or column, what needs it is off", "panel", p.Name, "missing", x.String())
		}
	}
	for _, x := range p.last.lost {
		if !slices.Contains(lost, x) {
			w.log.InfoContext(ctx, "the panel has a table or column again", "panel", p.Name, "missing", x.String())
		}
	}
	p.last.lost = lost
}

// InDoubt is what is in doubt about a panel.
type InDoubt struct {
	panel.Doubt           // Reason is empty if there is only what is missing
	Since       time.Time // zero: of what is missing
	Missing     []checks.Missing
	Mark        string // stands for exactly this
}

// InDoubt returns what is in doubt about a panel; false: nothing is, and the panel
// lacks nothing that it had.
func (w *Watch) InDoubt(ctx context.Context, p *Panel) (InDoubt, bool, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	kept, known, err := w.journal.PanelMemory(ctx, p.Name)
	if err != nil || !known {
		return InDoubt{}, false, err
	}
	return w.inDoubt(ctx, p, kept)
}

func (w *Watch) inDoubt(ctx context.Context, p *Panel, kept journal.PanelMemory) (InDoubt, bool, error) {
	if kept.Doubt == "" && len(p.last.lost) == 0 {
		return InDoubt{}, false, nil
	}
	d := InDoubt{Missing: p.last.lost}
	if kept.Doubt != "" {
		was, other, err := memories(kept)
		if err != nil {
			return InDoubt{}, false, err
		}
		if d.Doubt, err = w.doubt(ctx, p, was, other); err != nil {
			return InDoubt{}, false, err
		}
		d.Reason, d.Since = kept.Doubt, kept.Doubted
	}
	sum := sha256.Sum256(fmt.Appendf(kept.Other, "%s %s %d %v", p.Name, kept.Doubt, kept.Doubted.UnixMilli(), p.last.lost))
	d.Mark = hex.EncodeToString(sum[:4])
	return d, true, nil
}

// memories are those of the last reading that was believed, and of the one that is
// not.
func memories(kept journal.PanelMemory) (was, other panel.Memory, err error) {
	if err := errors.Join(json.Unmarshal(kept.Memory, &was), json.Unmarshal(kept.Other, &other)); err != nil {
		return was, other, fmt.Errorf("what is remembered of the panel: %w", err)
	}
	return was, other, nil
}

// ErrOtherDoubt is the error of Believe when the panel is not as it was shown.
var ErrOtherDoubt = errors.New("the panel has changed since it was shown")

// Believe takes a panel for right as it is at the next reading, whatever it was
// before, because a person who was shown the doubt with that mark said so. It reports
// whether there was a doubt.
func (w *Watch) Believe(ctx context.Context, p *Panel, mark string, entry journal.AuditEntry, now time.Time) (doubted bool, err error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	s, _, err := p.Reader.Poll(ctx)
	if err != nil {
		return false, err
	}
	p.last.pending = true
	newest, err := p.Reader.Newest(ctx)
	if err != nil {
		return false, err
	}
	kept, known, err := w.journal.PanelMemory(ctx, p.Name)
	if err != nil || !known {
		return false, err
	}
	shown, doubted, err := w.inDoubt(ctx, p, kept)
	if err != nil || !doubted {
		return false, err
	}
	is := panel.MemoryOf(s, newest)
	if same, err := w.asShown(ctx, p, kept, is); err != nil || !same || shown.Mark != mark {
		return false, cmp.Or(err, ErrOtherDoubt)
	}
	m := journal.PanelMemory{Memory: encode(is), At: now, Believed: now}
	return true, w.journal.BelievePanel(ctx, p.Name, m, entry)
}

// asShown reports whether the panel did not lose more since it was doubted.
func (w *Watch) asShown(ctx context.Context, p *Panel, kept journal.PanelMemory, is panel.Memory) (bool, error) {
	if kept.Doubt == "" {
		return true, nil
	}
	_, other, err := memories(kept)
	if err != nil {
		return false, err
	}
	more, err := w.doubt(ctx, p, other, is)
	return more.Reason == "", err
}
