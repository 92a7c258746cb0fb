package reports

import "slices"

// ButtonsMost is how many buttons of a message are shown at once: with more, a phone
// shows nothing but buttons.
const ButtonsMost = 8

// RowActions are the actions that stand for a row each, in their order.
func (m Message) RowActions() []Action {
	var rows []Action
	for _, a := range m.Actions {
		if a.Row != 0 {
			rows = append(rows, a)
		}
	}
	return rows
}

// ButtonPages are the other actions as they are shown at once: the rare ones are not
// on the first page. On each of several pages there is room for the button that turns
// it.
func (m Message) ButtonPages() [][]Action {
	var often, rare []Action
	for _, a := range m.Actions {
		switch {
		case a.Row != 0:
		case a.Rare:
			rare = append(rare, a)
		default:
			often = append(often, a)
		}
	}
	if len(rare) == 0 && len(often) <= ButtonsMost {
		return [][]Action{often}
	}
	return slices.Concat(slices.Collect(slices.Chunk(often, ButtonsMost-1)), slices.Collect(slices.Chunk(rare, ButtonsMost-1)))
}
