package reports

import "domovoy/checks"

// Quota is what a server's account has left at its CA.
type Quota struct {
	CA      string          // its name; empty: its limits are not known
	Account []checks.Budget // those of the account as a whole
}
