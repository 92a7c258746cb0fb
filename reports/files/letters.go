package files

import (
	"fmt"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	weights "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// letters are those of one chart: Liberation Sans is built in, and has
// Cyrillic.
type letters struct{ text.Plain }

// newLetters parses the two faces a chart needs. That takes far less time
// than to draw it, so that between charts no memory is held for them. The
// root package of gonum's plot would parse twelve at the start of a process.
func newLetters() (letters, error) {
	faces := font.NewCache(nil)
	for weight, data := range map[weights.Weight][]byte{
		weights.WeightNormal: liberationsansregular.TTF,
		weights.WeightBold:   liberationsansbold.TTF,
	} {
		face, err := opentype.Parse(data)
		if err != nil {
			return letters{}, fmt.Errorf("reading a font: %w", err)
		}
		faces.Add(font.Collection{{Font: sans(weight), Face: face}})
	}
	return letters{text.Plain{Fonts: faces}}, nil
}

func sans(weight weights.Weight) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight}
}

func (l letters) style(size vg.Length, bold bool) text.Style {
	f := sans(weights.WeightNormal)
	if bold {
		f = sans(weights.WeightBold)
	}
	return text.Style{Color: grey(0x22), Font: font.From(f, size), Handler: l}
}
