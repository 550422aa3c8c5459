module github.com/hostlife/hostlife/benchmarks

go 1.25.0

replace github.com/hostlife/hostlife => ../
