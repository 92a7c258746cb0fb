package bot

// Result is the outcome of a request: the word that the audit keeps and by which
// programs distinguish refusals. It is a number in the code, so that each has a
// word and a text ("audit.result."); zero is not a result.
type Result uint8

// All results. Of a plan that is carried out the audit keeps more:
// reports.CancelOutcome.
const (
	ResultOK             Result = iota + 1
	ResultFirst                 // the plan needs another person's confirmation, too
	ResultProbed                // orders were made to find authorizations
	ResultInternal              // our fault; the log has the details
	ResultUnknownCommand        // and so on: refused
	ResultUsage
	ResultNotAllowed
	ResultNotFound
	ResultUnavailable // a panel, the CA, DNS, or a part that is not configured
	ResultBusy        // another person's task is under way
	ResultChanged     // the plan is no longer what was agreed to
	ResultUsed        // the plan was carried out before
	ResultExpired     // the time to confirm the plan is over
	ResultForeign     // the plan belongs to another person or chat
	ResultSecond      // the same person confirms again
	ResultTaken       // somebody else works on the problem
	resultEnd
)

// String is the word. It is stored in the audit and never changes.
func (r Result) String() string {
	return [resultEnd]string{
		ResultOK: "ok", ResultFirst: "first", ResultProbed: "probed", ResultInternal: "internal",
		ResultUnknownCommand: "unknown_command", ResultUsage: "usage", ResultNotAllowed: "not_allowed",
		ResultNotFound: "not_found", ResultUnavailable: "unavailable", ResultBusy: "busy", ResultChanged: "changed",
		ResultUsed: "used", ResultExpired: "expired", ResultForeign: "foreign", ResultSecond: "second", ResultTaken: "taken",
	}[r]
}

// Results lists them all.
func Results() []Result {
	var all []Result
	for r := Result(1); r < resultEnd; r++ {
		all = append(all, r)
	}
	return all
}
