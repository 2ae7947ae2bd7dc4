// SPDX-License-Identifier: Apache-2.0
// A private key that signs in tests and nowhere else.
#pragma once

namespace vigil::testing_support {

inline constexpr const char* kTestRsaKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQCu597aY1hKjZpKooL4vTHrZlAzmrY1XS20vVRlbYLhs6+Yo+Vf\n"
    "CU9ETVjKJLKtSlEzuGqNKQcmmRSeh7OLxOaOfHQ8NxJ8SkH1FAj1/NpwgSfQz2o5\n"
    "z7IxJWS5vWZZEzxtQfu+0Jxf/sP7XSTZB62ljFDqNXHSsdogmPzMm5RTCQIDAQAB\n"
    "AoGAMwvbH5O09fVD3Zp2bRASnKg8qgLyQLrUFxbWpc+DTkn56quSytzVtJJ6Ymy5\n"
    "dRfmgRjGiDI8MwikWuwx+43Y16tHG6HpdK2NdR/5yn5G5D6nByxezha5QI4OfpBd\n"
    "jOBDTgG/FxnXgN/xNKvAT1+02p1yJIb9VrT4KOcEi/5smM0CQQDf17df7/ZmFxJu\n"
    "ZybrGOJcXsrTINVHzwdWmAJIxzZZX8t14XdSWm8m40OF1xEKKiGmb2nNkP/VTnQV\n"
    "w0LRFL1PAkEAyAhlnV4MUoFWnZAAZxa2SgDMOiz1XiaaSOBiFFjuoxszG+zC9qrW\n"
    "M+Sr8WqtEwu/uK+DCmsBpgv9eKwG1xXEJwJAYqL9BEKKklwSXCIKTUiu3sNKnxR1\n"
    "x2ncMvVS9F0Mfv+ueWh8GwcMudcldwHZWWBNabjop5QAmC81Ci378IQyEwJBAKrC\n"
    "UEx4nrhH5TL4XP+j6dVevPjkrEnFVmvj8JZCHOVsMMMj6IM970G5cfbTBBCANRhp\n"
    "68mW839WOPkskWJHGH0CQQDMFn5hyvXo30zhBxsx89osYZI5Wd195WmoNIMUf3uC\n"
    "CaOav13U125WUfXXRX03M7h9M6q6HtIKQr3Ikt2CfehH\n"
    "-----END RSA PRIVATE KEY-----\n";

}  // namespace vigil::testing_support
