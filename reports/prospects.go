package reports

import "domovoy/checks"

// Foretold reports whether a code says what will become of an account or of a
// name, and not why it fails.
func Foretold(code checks.Code) bool {
	return code == checks.CABudget || code == checks.CAPausing || code == checks.CAZombie
}
