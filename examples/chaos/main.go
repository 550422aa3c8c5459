// Command chaos runs schedulers that share their hosts as real processes, breaks them and their
// engine, and checks what each process has written down. See -help.
package main

import (
	"github.com/hostlife/hostlife/examples/internal/chaos"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/stores"
)

func main() { cli.Main(chaos.Command(stores.Engines{})) }
