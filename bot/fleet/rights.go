package fleet

import "time"

// Rights are the subjects that a user of the hub may use; everything else is refused.
type Rights struct {
	Publish   []string `json:"publish"`
	Subscribe []string `json:"subscribe"`
}

// Everything are the rights of the bot, inside the account of the fleet.
func Everything() Rights { return Rights{Publish: []string{">"}, Subscribe: []string{">"}} }

// Rights are what an agent may do: say what it saw under its own names, fetch its own
// looks, and take requests for its own panels. It may read back the state of its
// panels, by which it knows that the hub still has what it sent. It can neither read
// nor list what others said.
func (m Member) Rights() Rights {
	r := Rights{
		Publish: []string{
			BeatSubject(m.Name),
			prefix + ".sight." + m.Name + ".>",
			EntrySubject(m.Name),
			"$JS.API.CONSUMER.INFO." + StreamLooks + "." + m.Name,
			"$JS.API.CONSUMER.MSG.NEXT." + StreamLooks + "." + m.Name,
			"$JS.ACK." + StreamLooks + "." + m.Name + ".>",
		},
		Subscribe: []string{inboxPrefix(m.Name) + ".>"},
	}
	for _, panel := range m.Panels {
		r.Publish = append(r.Publish, FactsSubject(panel), StateSubject(panel), LogSubject(panel),
			"$JS.API.DIRECT.GET."+StreamFacts+"."+StateSubject(panel))
		r.Subscribe = append(r.Subscribe, TaskSubject(panel))
	}
	return r
}

// An agent may answer a request that it took, once or in parts: to the inbox of the one
// who asked, and for as long as the longest request takes.
const (
	AnswersTo  = 1000
	AnswersFor = 15 * time.Minute
)
