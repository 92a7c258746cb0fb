package lab

import "slices"

// The limits of what stands inside of blocks.
// https://docs.slack.dev/reference/block-kit/block-elements/button-element,
// https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
const (
	maxButtonText   = 75
	maxButtonValue  = 2000
	maxButtonURL    = 3000
	maxConfirmTitle = 100
	maxConfirmText  = 300
	maxConfirmLabel = 30
)

// otherElements are taken as they are: the lab can press buttons only.
func otherElements() []string {
	return []string{"image", "overflow", "datepicker", "datetimepicker", "timepicker", "checkboxes", "radio_buttons", "workflow_button",
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select"}
}

// elements checks the interactive parts of one block, within which an
// action_id is unique.
func (c *blockChecker) elements(elements []any, at func(int) string) {
	var ids []string
	for i, e := range elements {
		element, _ := e.(object)
		if id, _ := element["action_id"].(string); id != "" {
			if slices.Contains(ids, id) {
				c.report(at(i)+"/action_id", "`action_id` %q already exists", id)
			}
			ids = append(ids, id)
			c.length(at(i)+"/action_id", id, 1, maxID)
		}
		kind, _ := element["type"].(string)
		switch {
		case kind == "button":
			c.button(at(i), element)
		case !slices.Contains(otherElements(), kind):
			c.report(at(i)+"/type", "unsupported type: %s", kind)
		}
	}
}

func (c *blockChecker) button(at string, b object) {
	c.known(at, b, "text", "action_id", "url", "value", "style", "confirm", "accessibility_label")
	c.text(at+"/text", b["text"], maxButtonText, "plain_text")
	for field, longest := range map[string]int{"value": maxButtonValue, "url": maxButtonURL, "accessibility_label": maxButtonText} {
		if text, given := b[field].(string); given {
			c.length(at+"/"+field, text, 1, longest)
		}
	}
	if style := b["style"]; style != nil && style != "primary" && style != "danger" {
		c.report(at+"/style", "unsupported value: %v", style)
	}
	if confirm, given := b["confirm"].(object); given {
		c.text(at+"/confirm/title", confirm["title"], maxConfirmTitle, "plain_text")
		c.text(at+"/confirm/text", confirm["text"], maxConfirmText, "plain_text", "mrkdwn")
		c.text(at+"/confirm/confirm", confirm["confirm"], maxConfirmLabel, "plain_text")
		c.text(at+"/confirm/deny", confirm["deny"], maxConfirmLabel, "plain_text")
	}
}

// text checks a text object.
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func (c *blockChecker) text(at string, value any, longest int, kinds ...string) {
	o, ok := value.(object)
	if !ok {
		c.report(at, "missing required field: text")
		return
	}
	kind, _ := o["type"].(string)
	if !slices.Contains(kinds, kind) {
		c.report(at+"/type", "unsupported type: %s", kind)
	}
	extra := map[string]string{"plain_text": "emoji", "mrkdwn": "verbatim"}[kind]
	for name := range o {
		if name != "type" && name != "text" && name != extra {
			c.report(at, "invalid additional property: %s", name)
		}
	}
	c.words(at+"/text", o["text"], longest)
}

// words checks a string that people read.
func (c *blockChecker) words(at string, value any, longest int) {
	text, _ := value.(string)
	c.characters += units(text)
	c.length(at, text, 1, longest)
}

func (c *blockChecker) length(at, text string, shortest, longest int) {
	switch n := units(text); {
	case n < shortest:
		c.report(at, "must be more than %d characters", shortest-1)
	case n > longest:
		c.report(at, "must be less than %d characters", longest+1)
	}
}

func (c *blockChecker) count(at string, n, fewest, most int) {
	switch {
	case n < fewest:
		c.report(at, "no fewer than %d items allowed", fewest)
	case n > most:
		c.report(at, "no more than %d items allowed", most)
	}
}

// known refuses properties a block does not have.
func (c *blockChecker) known(at string, o object, names ...string) {
	for name := range o {
		if name != "type" && name != "block_id" && !slices.Contains(names, name) {
			c.report(at, "invalid additional property: %s", name)
		}
	}
}
