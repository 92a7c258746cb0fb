package bot

import "domovoy/i18n"

// usedUp refuses a plan that was used before.
func usedUp(plan string) error {
	return &Refusal{Code: "used", Key: "refusal.plan.used", Args: i18n.Args{"Plan": plan}}
}
