package fleet

import "embed"

// Manual has this folder's README.md and README.ru.md, which "domovoy help" shows
// by topics.
//
//go:embed README.md README.ru.md
var Manual embed.FS
