SELECT
  *
FROM (
  SELECT
    "t4"."period",
    "t4"."channel",
    CAST(SUM("t4"."amount") AS DECIMAL(28, 6)) AS "spend",
    SUM(CASE WHEN "t4"."amount" <> 0 THEN 1 ELSE 0 END) AS "spend__rows",
    CAST(SUM(
      CASE
        WHEN (
          "t4"."cost_kind" = 'ads'
        ) AND (
          "t4"."purpose" = 'acquire'
        )
        THEN "t4"."amount"
        ELSE 0
      END
    ) AS DECIMAL(28, 6)) AS "media_spend",
    SUM(
      CASE
        WHEN CASE
          WHEN (
            "t4"."cost_kind" = 'ads'
          ) AND (
            "t4"."purpose" = 'acquire'
          )
          THEN "t4"."amount"
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "media_spend__rows",
    CAST(SUM(CASE WHEN "t4"."purpose" = 'acquire' THEN "t4"."amount" ELSE 0 END) AS DECIMAL(28, 6)) AS "acquisition_cost",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."purpose" = 'acquire' THEN "t4"."amount" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "acquisition_cost__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."channel",
      "t2"."campaign",
      "t2"."purpose",
      "t2"."currency",
      "t2"."platform",
      "t2"."origin",
      "t2"."amount",
      "t2"."cost_kind",
      "t2"."booked_day",
      "t2"."day",
      "t2"."left_out",
      "t3"."one_day",
      "t3"."period"
    FROM "costs" AS "t2"
    INNER JOIN "days" AS "t3"
      ON "t2"."day" = "t3"."one_day"
  ) AS "t4"
  GROUP BY
    1,
    2
) AS "t5";

SELECT
  *
FROM (
  SELECT
    "t4"."period",
    "t4"."channel",
    SUM(CASE WHEN "t4"."movement" = 'new' THEN 1 ELSE 0 END) AS "new_customers",
    SUM(
      CASE WHEN CASE WHEN "t4"."movement" = 'new' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "new_customers__rows",
    SUM(
      CASE
        WHEN (
          "t4"."movement" = 'new'
        )
        AND "t4"."channel" IN (
          'Cross-network',
          'Paid Shopping',
          'Paid Search',
          'Paid Social',
          'Paid Video',
          'Display',
          'Paid Other'
        )
        THEN 1
        ELSE 0
      END
    ) AS "paid_new_customers",
    SUM(
      CASE
        WHEN CASE
          WHEN (
            "t4"."movement" = 'new'
          )
          AND "t4"."channel" IN (
            'Cross-network',
            'Paid Shopping',
            'Paid Search',
            'Paid Social',
            'Paid Video',
            'Display',
            'Paid Other'
          )
          THEN 1
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "paid_new_customers__rows",
    SUM(CASE WHEN "t4"."movement" = 'churn' THEN 1 ELSE 0 END) AS "churned_customers",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."movement" = 'churn' THEN 1 ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "churned_customers__rows",
    SUM(
      CASE
        WHEN (
          "t4"."movement" <> 'new'
        ) AND (
          "t4"."customer" > "t4"."customer_before"
        )
        THEN 1
        ELSE 0
      END
    ) AS "reactivated_customers",
    SUM(
      CASE
        WHEN CASE
          WHEN (
            "t4"."movement" <> 'new'
          ) AND (
            "t4"."customer" > "t4"."customer_before"
          )
          THEN 1
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "reactivated_customers__rows",
    CAST(SUM(CASE WHEN "t4"."movement" = 'new' THEN "t4"."mrr" - "t4"."before" ELSE 0 END) AS DECIMAL(28, 6)) AS "new_mrr",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."movement" = 'new' THEN "t4"."mrr" - "t4"."before" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "new_mrr__rows",
    CAST(SUM(
      CASE
        WHEN "t4"."movement" = 'expansion'
        THEN (
          "t4"."mrr" - "t4"."before"
        ) - "t4"."drift"
        ELSE 0
      END
    ) AS DECIMAL(28, 6)) AS "expansion_mrr",
    SUM(
      CASE
        WHEN CASE
          WHEN "t4"."movement" = 'expansion'
          THEN (
            "t4"."mrr" - "t4"."before"
          ) - "t4"."drift"
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "expansion_mrr__rows",
    CAST(SUM(
      CASE
        WHEN "t4"."movement" = 'contraction'
        THEN (
          "t4"."before" - "t4"."mrr"
        ) + "t4"."drift"
        ELSE 0
      END
    ) AS DECIMAL(28, 6)) AS "contraction_mrr",
    SUM(
      CASE
        WHEN CASE
          WHEN "t4"."movement" = 'contraction'
          THEN (
            "t4"."before" - "t4"."mrr"
          ) + "t4"."drift"
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "contraction_mrr__rows",
    CAST(SUM(CASE WHEN "t4"."movement" = 'churn' THEN "t4"."before" - "t4"."mrr" ELSE 0 END) AS DECIMAL(28, 6)) AS "churned_mrr",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."movement" = 'churn' THEN "t4"."before" - "t4"."mrr" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "churned_mrr__rows",
    CAST(SUM(
      CASE
        WHEN "t4"."movement" = 'reactivation'
        THEN "t4"."mrr" - "t4"."before"
        ELSE 0
      END
    ) AS DECIMAL(28, 6)) AS "reactivation_mrr",
    SUM(
      CASE
        WHEN CASE
          WHEN "t4"."movement" = 'reactivation'
          THEN "t4"."mrr" - "t4"."before"
          ELSE 0
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "reactivation_mrr__rows",
    CAST(SUM("t4"."drift") AS DECIMAL(28, 6)) AS "fx_mrr",
    SUM(CASE WHEN "t4"."drift" <> 0 THEN 1 ELSE 0 END) AS "fx_mrr__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."account",
      "t2"."mrr",
      "t2"."before",
      "t2"."drift",
      "t2"."left_out",
      "t2"."from_day",
      "t2"."until_day",
      "t2"."customer",
      "t2"."customer_before",
      "t2"."movement",
      "t2"."cause",
      "t2"."plan",
      "t2"."currency",
      "t2"."origin",
      "t2"."channel",
      "t2"."campaign",
      "t2"."rule",
      "t2"."country",
      "t2"."persona",
      "t2"."cohort",
      "t2"."term",
      "t2"."churn_reason",
      "t3"."one_day",
      "t3"."period"
    FROM "levels" AS "t2"
    INNER JOIN "days" AS "t3"
      ON "t2"."from_day" = "t3"."one_day"
  ) AS "t4"
  GROUP BY
    1,
    2
) AS "t5";
