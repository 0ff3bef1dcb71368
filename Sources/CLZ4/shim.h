#if __has_include(<lz4.h>)
#include <lz4.h>
#else
#error "Martlet needs liblz4 and pkg-config: `apt install liblz4-dev pkg-config`, `dnf install lz4-devel pkgconf-pkg-config` or `brew install lz4 pkgconf`; in a checkout, `bash .ci/setup`"
#endif
