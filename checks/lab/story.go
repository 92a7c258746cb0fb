package lab

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MassReissue plays an incident: support re-issues n good certificates at once.
// All start at the same time, and every fifth, whose name has moved away
// meanwhile, logs its first failure at that time.
func (s *Sample) MassReissue(at time.Time, n int) error {
	chosen := s.candidates(n)
	if len(chosen) < n {
		return fmt.Errorf("mass re-issue: only %d of %d certificates are there to be re-issued", len(chosen), n)
	}
	var log []Attempt
	var names []string
	for i, h := range chosen {
		names = append(names, h.site.Certificate)
		if i%5 == 0 {
			log = append(log, s.failure(h, at))
		}
	}
	err := s.Panel.Transaction(func() error {
		if err := s.Panel.SetProcessing(true, at, names...); err != nil {
			return err
		}
		return s.addLog(log)
	})
	if err != nil {
		return fmt.Errorf("mass re-issue: %w", err)
	}
	s.reissued, s.reissuedAt = append(s.reissued, chosen...), at
	return nil
}

// candidates chooses up to n sites whose certificates have no problem. Every
// fifth is one whose name has a trouble of its own, while there are such.
func (s *Sample) candidates(n int) []*sampleSite {
	busy := map[*sampleSite]bool{}
	for _, h := range s.reissued {
		busy[h] = true
	}
	var well, troubled, chosen []*sampleSite
	for _, i := range s.builder.rng.Perm(len(s.sites)) {
		switch h := s.sites[i]; {
		case h.condition.name != "fine" || busy[h]:
		case h.moved != "":
			troubled = append(troubled, h)
		default:
			well = append(well, h)
		}
	}
	for len(chosen) < n && len(well)+len(troubled) > 0 {
		from := &well
		if len(troubled) > 0 && (len(chosen)%5 == 0 || len(well) == 0) {
			from = &troubled
		}
		chosen, *from = append(chosen, (*from)[0]), (*from)[1:]
	}
	return chosen
}

// Settle ends the mass re-issue: fixedShare of its certificates (0 to 1) get
// new files, the others are given up after a failure halfway and one at the
// end. Those whose names have a trouble of their own are given up first.
func (s *Sample) Settle(at time.Time, fixedShare float64) error {
	if fixedShare < 0 || fixedShare > 1 {
		return fmt.Errorf("settling: a share of %v", fixedShare)
	}
	slices.SortStableFunc(s.reissued, func(a, b *sampleSite) int { return cmp.Compare(len(a.moved), 0) - cmp.Compare(len(b.moved), 0) })
	fixed := s.reissued[:int(float64(len(s.reissued))*fixedShare+0.5)]
	given := s.reissued[len(fixed):]
	var log []Attempt
	for _, h := range fixed {
		h.issued = at
		log = append(log, h.success(at))
	}
	if err := s.writeFiles(fixed); err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	halfway := s.reissuedAt.Add(at.Sub(s.reissuedAt) / 2)
	for _, h := range given {
		h.condition.name, h.condition.record = "failed", "failed" // not a candidate any more
		log = append(log, s.failure(h, halfway), s.failure(h, at))
	}
	err := s.Panel.Transaction(func() error {
		if err := s.Panel.SetProcessing(false, time.Time{}, certificateNames(s.reissued)...); err != nil {
			return err
		}
		if err := s.Panel.SetFailed(true, certificateNames(given)...); err != nil {
			return err
		}
		return s.addLog(log)
	})
	if err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	s.reissued = nil
	return nil
}

// failure is a failed attempt of a site with its lasting problem.
func (s *Sample) failure(h *sampleSite, at time.Time) Attempt {
	return s.builder.failure(h, s.builder.lasting(h), at)
}

func certificateNames(sites []*sampleSite) []string {
	var names []string
	for _, h := range sites {
		names = append(names, h.site.Certificate)
	}
	return names
}
