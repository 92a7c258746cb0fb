package outbox

import (
	"time"

	"domovoy/reports/journal"
)

// selection chooses, of the deliveries that are due, those that are sent now: as many as
// the pace and the room allow.
type selection struct {
	queue *queue
	now   time.Time
	all   int            // chosen
	kinds map[string]int // chosen, by kind
	wait  time.Duration  // until another may be chosen
}

// choose reports whether a delivery is sent now, and counts it then.
func (s *selection) choose(h journal.Head) bool {
	later := s.queue.pace.wait(h, s.now, s.all)
	if later <= 0 && !s.hasRoom(h.Kind) {
		later = time.Second // the end of a delivery wakes us
	}
	if later > 0 {
		s.wait = min(s.wait, later)
		return false
	}
	s.all++
	s.kinds[h.Kind]++
	return true
}

// hasRoom reports whether a delivery of that kind may begin beside those chosen.
func (s *selection) hasRoom(kind string) bool {
	pool := s.queue.pool
	return pool.Room() > s.all && (kind != journal.AnswerKind || pool.Count(kind)+s.kinds[kind] < answerSlots)
}

// headOf is what selection looks at.
func headOf(d journal.Delivery) journal.Head {
	return journal.Head{ID: d.ID, To: d.To, Kind: d.Kind, Rank: d.Rank, Edit: d.Edits != 0}
}
