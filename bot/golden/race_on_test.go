//go:build race

package golden

// randomMessages is how many random messages are rendered where no flag says it. The race
// detector makes each take ten times as long.
const randomMessages = 200
