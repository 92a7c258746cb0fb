//go:build !linux

package setup

import "os"

// hideTyping does nothing where no panel runs.
func hideTyping(*os.File) (show func()) { return func() {} }
