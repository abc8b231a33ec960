# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PTN_WOLFSSL: finds wolfSSL: the lean build that tools/wolfssl makes beside the
# tree, else the system's, with a notice that states what the latter costs.

AC_DEFUN([PTN_WOLFSSL], [
  AC_ARG_WITH([wolfssl],
    [AS_HELP_STRING([--with-wolfssl=DIR],
      [wolfSSL's prefix; "system" for the distribution's; "no" to build
       without it @<:@.deps/wolfssl beside the sources, else the system's@:>@])],
    [], [with_wolfssl=auto])
  have_wolfssl=no
  ptn_wolfssl_notice=
  AS_CASE([$with_wolfssl],
    [no|system], [ptn_wolfssl_dir=],
    [auto|yes], [ptn_wolfssl_dir=$(cd "$srcdir" && pwd)/.deps/wolfssl],
    [ptn_wolfssl_dir=$with_wolfssl])
  AC_MSG_CHECKING([for the lean wolfSSL])
  AS_IF([test -n "$ptn_wolfssl_dir" &&
         test -f "$ptn_wolfssl_dir/include/wolfssl/ssl.h"],
    [AC_MSG_RESULT([$ptn_wolfssl_dir])
     have_wolfssl=$ptn_wolfssl_dir
     WOLFSSL_CFLAGS="-I$ptn_wolfssl_dir/include"
     # tools/wolfssl makes an archive: the plugin then needs nothing of the
     # build's folders at run time and holds only what it calls.
     WOLFSSL_LIBS="-L$ptn_wolfssl_dir/lib -lwolfssl -lm -Wl,--gc-sections"
     AS_IF([test -f "$ptn_wolfssl_dir/lib/libwolfssl.a"], [],
       [WOLFSSL_LIBS="$WOLFSSL_LIBS -R$ptn_wolfssl_dir/lib"])],
    [AC_MSG_RESULT([no])
     AS_CASE([$with_wolfssl],
       [no], [],
       [auto|yes|system],
         [PKG_CHECK_MODULES([WOLFSSL], [wolfssl],
            [have_wolfssl=system
             ptn_wolfssl_notice="the system's wolfSSL is used: about 60 kB a \
TLS session instead of 5 kB, and a fifth of the handshakes a second; \
run tools/wolfssl and configure again for the lean one"],
            [AS_IF([test "$with_wolfssl" != auto],
               [AC_MSG_ERROR([wolfSSL was asked for and not found])],
               [ptn_wolfssl_notice="no wolfSSL: plugins/tls_wolfssl is left \
out; run tools/wolfssl and configure again to have it"])])],
       [AC_MSG_ERROR([no wolfSSL under $with_wolfssl])])])
  AC_SUBST([have_wolfssl])
  AC_SUBST([WOLFSSL_CFLAGS])
  AC_SUBST([WOLFSSL_LIBS])
  AM_CONDITIONAL([HAVE_WOLFSSL], [test "$have_wolfssl" != no])
])
