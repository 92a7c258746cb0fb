package lab

import (
	"encoding/json"
	"fmt"
	"slices"
)

// The block limits, in characters or pieces.
// https://docs.slack.dev/reference/block-kit/blocks
const (
	maxBlocks         = 50
	maxSection        = 3000
	maxField          = 2000
	maxHeader         = 150
	maxMarkdown       = 12_000
	maxID             = 255
	maxBlocksTogether = 12_000 // undocumented; about 13,200 was measured, 11,341 was refused once
)

// blockChecker collects the errors in the blocks of one message.
type blockChecker struct {
	problems   []string
	characters int // of all texts together
	ids        []string
}

// parseBlocks decodes and checks the blocks parameter.
func parseBlocks(raw string) ([]object, error) {
	var blocks []object
	if json.Unmarshal([]byte(raw), &blocks) != nil {
		return nil, &slackError{code: "invalid_blocks_format"}
	}
	var check blockChecker
	if len(blocks) > maxBlocks {
		check.report("/blocks", "no more than %d items allowed", maxBlocks)
	}
	for i, block := range blocks {
		check.block(fmt.Sprintf("/blocks/%d", i), block)
		if block != nil && block["block_id"] == nil {
			block["block_id"] = fmt.Sprintf("lab%d", i) // Slack gives each block one
		}
	}
	switch {
	case len(check.problems) > 0:
		return nil, &slackError{code: "invalid_blocks", problems: check.problems}
	case check.characters > maxBlocksTogether:
		return nil, &slackError{code: "msg_blocks_too_long"}
	}
	return blocks, nil
}

func (c *blockChecker) report(pointer, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("[ERROR] "+format+" [json-pointer:%s]", append(args, pointer)...))
}

func (c *blockChecker) block(at string, b object) {
	if id, _ := b["block_id"].(string); id != "" {
		if slices.Contains(c.ids, id) {
			c.report(at+"/block_id", "`block_id` %q already exists", id)
		}
		c.ids = append(c.ids, id)
		c.length(at+"/block_id", id, 1, maxID)
	}
	switch kind, _ := b["type"].(string); kind {
	case "section":
		c.section(at, b)
	case "header":
		c.known(at, b, "text", "level")
		c.text(at+"/text", b["text"], maxHeader, "plain_text")
	case "divider":
		c.known(at, b)
	case "context":
		c.context(at, b)
	case "actions":
		c.actions(at, b)
	case "image":
		c.known(at, b, "image_url", "slack_file", "alt_text", "title")
		c.image(at, b)
	case "markdown":
		c.known(at, b, "text")
		c.words(at+"/text", b["text"], maxMarkdown)
	case "table":
		c.table(at, b)
	case "rich_text":
		c.known(at, b, "elements")
		c.richText(at, b["elements"], 0)
	case "input", "file", "video": // taken as they are
	default: // including alert, card and carousel, which messages may not have
		c.report(at+"/type", "unsupported type: %s", kind)
	}
}

func (c *blockChecker) section(at string, b object) {
	c.known(at, b, "text", "fields", "accessory", "expand")
	fields, hasFields := b["fields"].([]any)
	if b["text"] == nil && !hasFields {
		c.report(at, "missing required field: text")
	}
	if b["text"] != nil {
		c.text(at+"/text", b["text"], maxSection, "plain_text", "mrkdwn")
	}
	if hasFields {
		c.count(at+"/fields", len(fields), 1, 10)
		for i, field := range fields {
			c.text(fmt.Sprintf("%s/fields/%d", at, i), field, maxField, "plain_text", "mrkdwn")
		}
	}
	if b["accessory"] != nil {
		c.elements([]any{b["accessory"]}, func(int) string { return at + "/accessory" })
	}
}

func (c *blockChecker) context(at string, b object) {
	c.known(at, b, "elements")
	elements, _ := b["elements"].([]any)
	c.count(at+"/elements", len(elements), 1, 10)
	for i, e := range elements {
		pointer := fmt.Sprintf("%s/elements/%d", at, i)
		element, _ := e.(object)
		if element["type"] == "image" {
			c.image(pointer, element)
			continue
		}
		c.text(pointer, e, maxSection, "plain_text", "mrkdwn")
	}
}

func (c *blockChecker) actions(at string, b object) {
	c.known(at, b, "elements")
	elements, _ := b["elements"].([]any)
	c.count(at+"/elements", len(elements), 1, 25)
	c.elements(elements, func(i int) string { return fmt.Sprintf("%s/elements/%d", at, i) })
}

// richText counts the texts of a rich_text block, however deep they are, and checks
// the kinds of its parts.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
func (c *blockChecker) richText(at string, value any, depth int) {
	kinds := [][]string{
		{"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"},
		{"text", "link", "emoji", "user", "channel", "usergroup", "date", "broadcast", "color", "rich_text_section"},
		{"text", "link", "emoji", "user", "channel", "usergroup", "date", "broadcast", "color"},
	}
	elements, _ := value.([]any)
	for i, e := range elements {
		element, _ := e.(object)
		pointer := fmt.Sprintf("%s/elements/%d", at, i)
		if kind, _ := element["type"].(string); !slices.Contains(kinds[min(depth, len(kinds)-1)], kind) {
			c.report(pointer+"/type", "unsupported type: %s", kind)
		}
		if text, _ := element["text"].(string); element["type"] == "text" {
			c.words(pointer+"/text", text, maxBlocksTogether)
		}
		style, _ := element["style"].(object)
		for name, on := range style {
			if _, isBool := on.(bool); !isBool || !slices.Contains([]string{"bold", "italic", "strike", "code", "underline"}, name) {
				c.report(pointer+"/style", "invalid additional property: %s", name)
			}
		}
		c.richText(pointer, element["elements"], depth+1)
	}
}

// table is https://docs.slack.dev/reference/block-kit/blocks/table-block.
func (c *blockChecker) table(at string, b object) {
	c.known(at, b, "rows", "column_settings")
	rows, _ := b["rows"].([]any)
	c.count(at+"/rows", len(rows), 1, 100)
	for i, r := range rows {
		cells, _ := r.([]any)
		c.count(fmt.Sprintf("%s/rows/%d", at, i), len(cells), 1, 20)
		for _, cell := range cells {
			o, _ := cell.(object)
			text, _ := o["text"].(string)
			c.characters += units(text)
		}
	}
}

func (c *blockChecker) image(at string, b object) {
	link, _ := b["image_url"].(string)
	if link == "" && b["slack_file"] == nil {
		c.report(at, "missing required field: image_url")
	}
	c.words(at+"/alt_text", b["alt_text"], maxField)
}

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
	maxMenu         = 5
	maxMenuValue    = 150
	maxSelect       = 100
	maxPlaceholder  = 150
)

// otherElements are accepted without a check: the lab can press only buttons and
// choose only from menus.
func otherElements() []string {
	return []string{"image", "datepicker", "datetimepicker", "timepicker", "checkboxes", "radio_buttons", "workflow_button",
		"external_select", "users_select", "conversations_select", "channels_select",
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
		case kind == "overflow":
			c.overflow(at(i), element, maxMenu, "action_id", "options", "confirm")
		case kind == "static_select":
			c.text(at(i)+"/placeholder", element["placeholder"], maxPlaceholder, "plain_text")
			c.overflow(at(i), element, maxSelect, "action_id", "options", "confirm", "placeholder", "initial_option", "focus_on_load")
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
	c.confirm(at, b)
}

// overflow is https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element,
// or https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element.
func (c *blockChecker) overflow(at string, b object, most int, fields ...string) {
	c.known(at, b, fields...)
	options, _ := b["options"].([]any)
	c.count(at+"/options", len(options), 1, most)
	for i, x := range options {
		option, _ := x.(object)
		pointer := fmt.Sprintf("%s/options/%d", at, i)
		c.known(pointer, option, "text", "value", "description", "url")
		c.text(pointer+"/text", option["text"], maxButtonText, "plain_text")
		value, _ := option["value"].(string)
		c.length(pointer+"/value", value, 1, maxMenuValue)
	}
	c.confirm(at, b)
}

// confirm checks the question that an element asks before it acts, if it does.
func (c *blockChecker) confirm(at string, b object) {
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

// words checks a string that is shown to people.
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

// known reports properties that a block does not have.
func (c *blockChecker) known(at string, o object, names ...string) {
	for name := range o {
		if name != "type" && name != "block_id" && !slices.Contains(names, name) {
			c.report(at, "invalid additional property: %s", name)
		}
	}
}
