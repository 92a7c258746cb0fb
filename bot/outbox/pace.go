package outbox

import (
	"strconv"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/reports/journal"
)

// recalled is how far back calls of an earlier process matter: longer than any
// Limits take to allow a full burst again.
const recalled = 2 * time.Minute

// pacer keeps the limits of one messenger. It is safe for concurrent use.
type pacer struct {
	limits bot.Limits
	mu     sync.Mutex
	even   map[string]time.Time // by limit: when calls at its rate would have reached the number so far
}

func newPacer(l bot.Limits) *pacer { return &pacer{limits: l, even: map[string]time.Time{}} }

// limit is a rate under the name of what it limits.
type limit struct {
	name   string
	shared bool // by all chats
	bot.Rate
}

// of lists the limits that a call in a chat counts for.
func (p *pacer) of(place string, edit bool) []limit {
	all := []limit{{"all", true, p.limits.All}}
	if edit {
		all = append(all, limit{"edits", true, p.limits.Edits})
	}
	if to, err := bot.ParseAddress(place); err == nil && p.limits.Chat != nil {
		for i, r := range p.limits.Chat(to) {
			all = append(all, limit{place + "#" + strconv.Itoa(i), false, r})
		}
	}
	return all
}

// calls is how many calls a delivery takes.
func (p *pacer) calls(d journal.Delivery) int {
	if d.Edits != 0 || p.limits.Calls == nil {
		return 1
	}
	return p.limits.Calls(d.Message)
}

// wait is how long a delivery has to wait for its turn, behind so many calls in other
// chats that are about to be made. The last call of each burst is for what is urgent.
func (p *pacer) wait(h journal.Head, now time.Time, ahead int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var longest time.Duration
	for _, l := range p.of(placeOf(h.To), h.Edit) {
		if l.Every <= 0 {
			continue
		}
		burst := l.Burst
		if h.Rank > journal.RankPanel {
			burst = max(1, burst-1)
		}
		even := p.even[l.name]
		if l.shared && ahead > 0 {
			if even.Before(now) {
				even = now
			}
			even = even.Add(time.Duration(ahead) * l.Every)
		}
		spare := time.Duration(burst-1) * l.Every
		longest = max(longest, even.Add(-spare).Sub(now))
	}
	return longest
}

// take counts the calls of a delivery.
func (p *pacer) take(d journal.Delivery, now time.Time) {
	p.count(journal.Call{Place: placeOf(d.To), At: now, Calls: p.calls(d), Edit: d.Edits != 0})
}

// recall counts calls of an earlier process.
func (p *pacer) recall(calls []journal.Call) {
	p.mu.Lock()
	clear(p.even)
	p.mu.Unlock()
	for _, c := range calls {
		p.count(c)
	}
}

func (p *pacer) count(c journal.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.of(c.Place, c.Edit) {
		if l.Every <= 0 {
			continue
		}
		even := p.even[l.name]
		if even.Before(c.At) {
			even = c.At
		}
		p.even[l.name] = even.Add(time.Duration(c.Calls) * l.Every)
	}
	if len(p.even) > 1000 {
		p.forget(c.At)
	}
}

// forget removes limits that are as full as new ones. The caller holds p.mu.
func (p *pacer) forget(now time.Time) {
	for name, even := range p.even {
		if !even.After(now) {
			delete(p.even, name)
		}
	}
}
