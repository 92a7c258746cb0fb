package remote

import (
	"slices"

	"domovoy/checks/ispmanager"
)

// wordOf is what an agent says of why it cannot read its panel, as the catalogs have
// it. A newer agent may know a reason that they do not have.
func wordOf(trouble string) string {
	if slices.Contains(ispmanager.Reasons(), ispmanager.Reason(trouble)) {
		return trouble
	}
	return string(ispmanager.IO)
}
