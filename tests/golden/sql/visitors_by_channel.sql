SELECT
  *
FROM (
  SELECT
    "t6"."period",
    "t6"."channel",
    SUM(CASE WHEN "t6"."kind" = 'human' THEN 1 ELSE 0 END * "t6"."alike") AS "visitors",
    SUM(
      CASE
        WHEN CASE WHEN "t6"."kind" = 'human' THEN 1 ELSE 0 END <> 0
        THEN "t6"."alike"
        ELSE 0
      END
    ) AS "visitors__rows",
    SUM(CASE WHEN "t6"."kind" = 'bot' THEN 1 ELSE 0 END * "t6"."alike") AS "bots",
    SUM(
      CASE
        WHEN CASE WHEN "t6"."kind" = 'bot' THEN 1 ELSE 0 END <> 0
        THEN "t6"."alike"
        ELSE 0
      END
    ) AS "bots__rows",
    SUM(CASE WHEN "t6"."kind" = 'internal' THEN 1 ELSE 0 END * "t6"."alike") AS "internal",
    SUM(
      CASE
        WHEN CASE WHEN "t6"."kind" = 'internal' THEN 1 ELSE 0 END <> 0
        THEN "t6"."alike"
        ELSE 0
      END
    ) AS "internal__rows",
    COUNT(*) * 0 AS "left_out"
  FROM (
    SELECT
      "t5"."grain",
      "t5"."period_day",
      "t5"."kind",
      "t5"."channel",
      "t5"."alike",
      "t2"."period"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t1"."grain",
          "t1"."period_day",
          "t1"."kind",
          "t1"."channel",
          COUNT(*) AS "alike"
        FROM "visitor_periods" AS "t1"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t3"
    ) AS "t5"
    INNER JOIN "spans" AS "t2"
      ON "t5"."grain" = "t2"."grain" AND "t5"."period_day" = "t2"."period_day"
  ) AS "t6"
  GROUP BY
    1,
    2
) AS "t7";
