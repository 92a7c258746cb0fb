//go:build !race

package golden

// randomMessages is how many random messages are rendered where no flag says it.
const randomMessages = 2000
