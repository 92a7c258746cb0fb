package lab

// ParseHTML returns what people read of a text in Telegram's HTML style, and how it is
// formatted. The error is that of the server.
func ParseHTML(source string) (text string, entities []Entity, err error) {
	return parseHTML(source)
}

// ParseBlocks returns a message of these blocks, a JSON array, as Slack keeps it. The
// error is that of chat.postMessage.
func ParseBlocks(raw string) (Body, error) {
	blocks, err := parseBlocks(raw)
	return Body{Blocks: blocks}, err
}

// Units is the length of a text in UTF-16 code units.
func Units(text string) int { return units(text) }
