module github.com/hostlife/hostlife/benchmarks

go 1.25.0

replace github.com/hostlife/hostlife => ../

require (
	github.com/hostlife/hostlife v0.0.0
	github.com/jellydator/ttlcache/v3 v3.4.1
	github.com/maypok86/otter/v2 v2.4.0
	github.com/patrickmn/go-cache v2.1.0+incompatible
)

require (
	github.com/benbjohnson/clock v1.3.5 // indirect
	golang.org/x/sync v0.22.0 // indirect
)
